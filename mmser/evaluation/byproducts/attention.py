"""What a few sample utterances attend to, in a form a report can draw without a model.

Each sample is run on its own, so nothing of the weights belongs to padding. Heads and queries are
averaged: what is kept is how much every key (word, frame) receives. Samples whose prediction
changes when they leave their batch (systems that read the whole dialogue) are left out, because the
picture would not belong to the prediction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from torch import Tensor, nn

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT
from mmser.core.batch import Batch, Context, Stream
from mmser.core.task import Task
from mmser.evaluation.predict import predict, run_model
from mmser.extraction.word_sources import is_aligner

if TYPE_CHECKING:
    from mmser.data.fold_data import FoldData

ATTENTION_COLUMNS = ("id", "name", "stream", "weights", "labels", "seconds")
_SAME = 1e-3
"""Largest absolute and relative difference between alone and in the batch that still counts as the
same prediction.
"""


def attention_samples(
    model: nn.Module, data: FoldData, manifest: pd.DataFrame, predictions: pd.DataFrame, limit: int
) -> pd.DataFrame:
    """ATTENTION_COLUMNS for up to ``limit`` test utterances spread over ``predictions``.

    Empty for a model without attention. ``weights`` is (key,), ``labels`` the words or stream names
    when they are known, ``seconds`` the middle of each key otherwise; both may be None.
    """
    places = np.unique(np.linspace(0, len(predictions) - 1, limit).astype(int))
    return attention_of(model, data, manifest, predictions, set(predictions["id"].iloc[places]))


def attention_of(
    model: nn.Module,
    data: FoldData,
    manifest: pd.DataFrame,
    predictions: pd.DataFrame,
    sample_ids: Collection[str],
) -> pd.DataFrame:
    """`attention_samples` of test utterances that are named."""
    rows_by_id = predictions.set_index("id").to_dict("index")
    about = manifest.set_index("id").to_dict("index")
    rows: list[dict[str, Any]] = []
    for batch in data.loader("test", shuffle=False):
        for index, identifier in enumerate(batch.ids):
            if identifier not in sample_ids:
                continue
            sample = one_row(batch, index, shared=data.alignment.is_shared)
            if _same_prediction(model, sample, rows_by_id[identifier], data.task):
                rows += _weights_of(model, sample, data, about[identifier])
    return pd.DataFrame(rows, columns=list(ATTENTION_COLUMNS))


def one_row(batch: Batch, index: int, shared: bool = False) -> Batch:
    """Row ``index`` as a batch of one without padding.

    ``shared``: the streams are aligned on one time axis, and stay so.
    """
    lengths = {name: _last_step(stream.mask[index]) for name, stream in batch.streams.items()}
    if shared:
        lengths = dict.fromkeys(lengths, max(lengths.values()))
    row = slice(index, index + 1)
    streams = {
        name: Stream(stream.values[row, : lengths[name]], stream.mask[row, : lengths[name]])
        for name, stream in batch.streams.items()
    }
    context = Context(
        batch.context.dialogue[row], batch.context.turn[row], batch.context.speaker[row]
    )
    targets = {name: target[row] for name, target in batch.targets.items()}
    return Batch((batch.ids[index],), streams, context, targets)


def key_weights(attention: Tensor) -> np.ndarray:
    """(key,) mean over heads and queries of one utterance's weights.

    These are (1, [head,] query, key) or (1, time).
    """
    weights = attention[0].float().cpu().numpy()
    return weights.reshape(-1, weights.shape[-1]).mean(0)


def attended_stream(name: str, length: int, lengths: Mapping[str, int]) -> str:
    """The stream whose steps are the keys of attention ``name``; "" when it cannot be told.

    A stream named in ``name`` wins (the last one: "audio_to_text" attends to text), then the only
    one of that length.
    """
    fitting = [stream for stream, steps in lengths.items() if steps == length]
    stream_places = sorted((name.rfind(stream), stream) for stream in fitting if stream in name)
    if stream_places:
        return stream_places[-1][1]
    return fitting[0] if len(fitting) == 1 else ""


def _last_step(mask: Tensor) -> int:
    real = mask.nonzero()
    return int(real.max()) + 1 if len(real) else 1


def _same_prediction(
    model: nn.Module, sample: Batch, batch_prediction: Mapping[Any, Any], task: Task
) -> bool:
    alone = predict(model, [sample], task).iloc[0]
    columns = list(chain.from_iterable(target_set.columns for target_set in task.target_sets))
    now = [alone[name] for name in columns]
    before = [batch_prediction[name] for name in columns]
    return bool(np.allclose(now, before, _SAME, _SAME))


def _weights_of(
    model: nn.Module, sample: Batch, data: FoldData, about: Mapping[Any, Any]
) -> Iterable[dict[str, Any]]:
    _, outputs = next(iter(run_model(model, [sample], need_attention=True)))
    lengths = {name: stream.mask.shape[1] for name, stream in outputs.encoded.items()}
    for name, attention in outputs.attention.items():
        weights = key_weights(attention)
        if not np.isfinite(weights).all() or not weights.any():
            continue  # nothing was there to attend to: the modality is absent
        stream = attended_stream(name, len(weights), lengths)
        row = {"id": sample.ids[0], "name": name, "stream": stream, "weights": weights.tolist()}
        if not stream and len(weights) == len(lengths):
            yield row | {"labels": list(lengths), "seconds": None}
            continue
        labels = _words(data, stream, about, len(weights))
        yield row | {
            "labels": labels,
            "seconds": None if labels else _seconds(data, stream, row["id"], len(weights)),
        }


def _words(data: FoldData, stream: str, about: Mapping[Any, Any], length: int) -> list[str] | None:
    """The corpus's words when the keys are its words, one by one; else None.

    Never the words of another transcript, never a guess.
    """
    by_word = data.alignment.kind == "word"
    store = data.stores.get((data.alignment.word_stream or "") if by_word else stream)
    if store is None or not (by_word or ".text." in str(store.info["class"])):
        return None
    source = (store.info.get("transcript") or {}).get("source", CORPUS_TRANSCRIPT)
    if source != CORPUS_TRANSCRIPT and not is_aligner(source):
        return None
    timed, transcript = about.get("words"), about.get("transcript")
    candidates: list[list[str]] = []
    if isinstance(timed, str) and timed:
        candidates.append([word["text"] for word in json.loads(timed)])
    if isinstance(transcript, str):
        candidates.append(transcript.split())
    limit = data.specs[stream].limit if stream in data.specs else None
    for words in candidates:
        # The stream's limit cuts long utterances: the keys are the words up to there.
        if len(words[:limit]) == length:
            return words[:limit]
    return None


def _seconds(data: FoldData, stream: str, identifier: str, length: int) -> list[float] | None:
    """Middle of each key in seconds, when the store knows its frame rate."""
    store = data.stores.get(stream)
    if store is None or identifier not in store or data.alignment.is_shared:
        return None
    rate, limit = store.frame_rate(identifier), data.specs[stream].limit
    if rate is None or data.specs[stream].crop != "head":
        return None
    duration = min(store.length(identifier), limit or np.inf) / rate
    return ((np.arange(length) + 0.5) * duration / length).tolist()

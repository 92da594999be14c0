"""A trained run on disturbed sound and pictures.

Decoded clips are changed before the run's own extractors see them.
Each condition is a store of its own beside the clean one (``mfcc40+white5-<fingerprint>``); what is
cached is not done again. The training split stays clean: everything fitted on it is as the run was
trained.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmser.cache.store import Store
from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.evaluation.stress.conditions import Condition, modalities, predict_conditions, tested_ids
from mmser.evaluation.stress.disturbances.disturbance import LEVELS, UNITS, Disturbance, Disturbed
from mmser.evaluation.stress.robustness import CLEAN_FAMILY, Strength, keep_scores
from mmser.extraction.rebuild import extractor_like, frame_rate_of

if TYPE_CHECKING:
    from mmser.data.fold_data import FoldData
    from mmser.training.run import Run

VOICES = 24
"""Utterances of which babble is mixed, drawn once from the corpus."""


def acoustic_robustness(
    run: Run | str | Path,
    disturbances: Mapping[str, Sequence[float]],
    noise_folder: str | None = None,
    seed: int = 0,
    workers: int = 0,
) -> pd.DataFrame:
    """Scores (`robustness.COLUMNS`) undisturbed and under each kind of disturbance at each level.

    ``disturbances`` maps kinds (`disturbance.UNITS`) to levels; no levels mean
    `disturbance.LEVELS`. ``workers`` processes decode. Rows are kept in the run's folder. Raises
    UsageError for an unknown kind, MmserError when the corpus's media are not there or no stream of
    the run can be disturbed that way.
    """
    from mmser.training.run import Run

    run = Run(run) if isinstance(run, str | Path) else run
    data = run.finished()[0].data()
    listed = _disturbances(run, disturbances, noise_folder, seed)
    stores = _disturbed_stores(run, data, listed, workers)
    strengths = {"undisturbed": Strength(CLEAN_FAMILY)}
    for one in listed:
        family = f"{_words(one)}, {UNITS[one.kind]}"
        strengths[_title(one)] = Strength(family, one.level, one.level)
    conditions = [
        Condition("undisturbed"),
        *(Condition(_title(one), stores=stores[one.name]) for one in listed),
    ]
    return keep_scores(run, predict_conditions(run, conditions), strengths)


def _title(one: Disturbance) -> str:
    return f"{_words(one)} {one.level:g} {UNITS[one.kind]}"


def _words(one: Disturbance) -> str:
    return one.kind.replace("_", " ")


def _disturbances(
    run: Run, requests: Mapping[str, Sequence[float]], noise_folder: str | None, seed: int
) -> list[Disturbance]:
    if not requests:
        raise MmserError("kinds of disturbance", "none", f"Name some of {', '.join(UNITS)}.")
    disturbances = []
    for kind, levels in requests.items():
        voices = {}
        if kind == "babble":
            voices = _voices(list(run.corpora.tested.corpus.utterances()), seed)
        disturbances += [
            Disturbance(kind, float(level), seed, voices, noise_folder)
            for level in levels or LEVELS.get(kind, (0.0,))
        ]
    return disturbances


def _voices(utterances: Sequence[Utterance], seed: int) -> dict[str, np.ndarray]:
    """The sound of up to `VOICES` utterances, the same ones whatever their order."""
    from mmser.extraction.decoding import clips_in_order
    from mmser.extraction.plan import Request

    order = sorted(utterances, key=lambda item: (zlib.crc32(f"{seed} {item.id}".encode()), item.id))
    one_each = [
        Request((utterance,), audio=True, frames=False) for utterance in order[: 2 * VOICES]
    ]
    clips = clips_in_order(one_each, frame_rate=0.0, workers=1)
    sounds = {clip.id: clip.waveform for clip in clips if clip.waveform is not None}
    return dict(list(sounds.items())[:VOICES])


def _disturbed_stores(
    run: Run, data: FoldData, disturbances: Sequence[Disturbance], workers: int
) -> dict[str, dict[str, Store]]:
    """{disturbance: {stream: its store}}.

    What the cache lacks is extracted; every file is decoded once.
    """
    from mmser.extraction.preprocess import preprocess

    corpus = run.corpora.tested.corpus
    groups = modalities(data, run.settings.model["encoders"])
    stores: dict[str, dict[str, Store]] = {one.name: {} for one in disturbances}
    for modality in dict.fromkeys(one.modality for one in disturbances):
        streams = groups.get(modality, ())
        if not streams:
            raise MmserError(
                f"a run with a stream of {modality}",
                ", ".join(data.specs),
                "Leave this disturbance out.",
            )
        of_modality = [one for one in disturbances if one.modality == modality]
        extractors = list(_extractors(run, data, of_modality, streams))
        rates = [frame_rate_of(data.stores[name]) for name in streams]
        # The pictures are decoded at the rate that the run's own stores were made from.
        rate = next((one for one in rates if one), 3.0)
        summary = preprocess(
            corpus,
            {name: extractor for name, _, _, extractor in extractors},
            run.settings.cache,
            workers=workers,
            frame_rate=rate,
            only=set(tested_ids(run)),
            max_failures=1.0,  # a disturbance may well leave nothing to hear or see
        )
        folders = dict(zip(summary["extractor"], summary["directory"], strict=True))
        for name, one, stream, _ in extractors:
            stores[one.name][stream] = Store(folders[name])
    return stores


def _extractors(
    run: Run, data: FoldData, disturbances: Sequence[Disturbance], streams: Sequence[str]
) -> Iterator[tuple[str, Disturbance, str, Disturbed]]:
    """(name of the store, disturbance, stream, extractor)."""
    for stream in streams:
        store = data.stores[stream]
        extractor = extractor_like(store, run)
        for one in disturbances:
            yield f"{store.info['extractor']}+{one.name}", one, stream, Disturbed(extractor, one)

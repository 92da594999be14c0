"""`mmser evaluate run=R corpus=X`: a trained run scored on another corpus."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.atomic import write_bytes, written_aside
from mmser.cache.layout import split_store_name
from mmser.composition import chosen
from mmser.core.emotion_names import classes_of
from mmser.core.errors import MmserError, UsageError
from mmser.core.file_names import file_name
from mmser.core.trust import trust_typed
from mmser.metrics.predictions import FILE_NAME
from mmser.pipeline.caches import ensure_caches
from mmser.pipeline.train_settings import train_settings
from mmser.settings.run import RunSettings, read_run

if TYPE_CHECKING:
    from mmser.protocols.protocol import EvaluationProtocol
    from mmser.training.inputs.corpora import RunCorpora
    from mmser.training.run import Run

Labels = Mapping[str, str | None]

FOLDER = "other_corpora"
"""Within a run's folder: what its models predicted of other corpora."""
FACTS = "evaluation.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OtherCorpus:
    """Another corpus for a run's models: how it is read and labelled, its features cached."""

    settings: RunSettings
    corpora: RunCorpora
    labels: Labels
    left_out: Sequence[str]


def evaluate_other_corpus(
    run: Run, overrides: Sequence[str], labels: Labels | None = None, own_scale: bool = False
) -> Path:
    """Predict and keep what a run's models say of another corpus; -> the folder of the predictions.

    ``overrides`` are words of `mmser train` that name a corpus. Its labels become the run's classes
    by ``labels`` ({the protocol's class: the run's, None to leave it out}), else by what they mean
    (`mmser.core.emotion_names`). ``own_scale`` scales features by the other corpus's own
    statistics, without its labels: transductive. Raises MmserError when nothing of it is among the
    run's classes, or its features would be other ones than those the run was trained on.
    """
    return keep_predictions(run, other_corpus(run, overrides, labels), own_scale)


def other_corpus(
    run: Run, overrides: Sequence[str], labels: Labels | None = None, told: bool = True
) -> OtherCorpus:
    """The corpus of `evaluate_other_corpus`, ready to be predicted.

    ``told``: which labels take part is logged.
    """
    from mmser.training.inputs.corpora import build_corpora

    trust_typed(overrides)
    if chosen(overrides, "system"):
        raise UsageError("run=... or system=...", "both", "Leave one out.")
    config = _config(run, overrides)
    _check_other(run, config)
    protocol, left_out = _protocol(config, run, labels or {}, told)
    config["protocol"] = protocol
    _ensure_features(run, config)
    settings = read_run(config)
    return OtherCorpus(settings, build_corpora(settings), protocol["labels"], left_out)


def keep_predictions(run: Run, other: OtherCorpus, own_scale: bool) -> Path:
    """Predict another corpus by one scale and keep it; -> the folder of the predictions."""
    from mmser.evaluation.other_corpus import predict_other_corpus

    table = predict_other_corpus(run, other.settings, other.corpora, own_scale)
    corpus = other.corpora.tested
    name = f"{corpus.name}-own_scale" if own_scale else corpus.name
    folder = run.directory / FOLDER / file_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    with written_aside(folder / FILE_NAME) as aside:
        table.to_parquet(aside, index=False)
    facts = {
        "corpus": corpus.name,
        "protocol": corpus.protocol_config["name"],
        "labels": other.labels,
        "left_out": other.left_out,
        "own_scale": own_scale,
    }
    write_bytes(folder / FACTS, (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode())
    return folder


def _config(run: Run, overrides: Sequence[str]) -> dict[str, Any]:
    """The run's own config with the corpus, protocol, cache and paths that the words name.

    What the words do not say of the cache is as in the run.
    """
    # system=judge is the smallest of the systems: of its config only the corpus is read.
    asked = train_settings(["system=judge", *overrides])
    config: dict[str, Any] = {**run.config, "domains": {}, "stages": None, "run": None}
    config |= {"model": run.settings.model, "streams": _last_streams(run)}
    config |= {key: asked[key] for key in ("corpus", "protocol")}
    named = {word.partition("=")[0] for word in overrides}
    if "cache" in named or "paths.cache" in named:
        config["cache"] = asked["cache"]
    if any(word.startswith("paths.") for word in named):
        config["paths"] = {**config["paths"], **asked["paths"]}
    return config


def _check_other(run: Run, config: Mapping[str, Any]) -> None:
    """Raise MmserError for a corpus whose utterances the run may have been trained on."""
    from mmser.training.inputs.corpora import build_corpora

    name = build_corpora(read_run(config)).tested.name
    if name in run.corpora.names:
        raise MmserError(
            f"another corpus than those of the run ({', '.join(run.corpora.names)})",
            name,
            "Its own scores are `mmser evaluate run=DIR`; another table of yours needs a name of "
            "its own, corpus.name=NAME.",
        )


def _last_streams(run: Run) -> Mapping[str, Any]:
    """The streams of the last stage, whose model is the fold's, as a config has them."""
    streams = dict(run.config["streams"])
    for stage in (run.config.get("stages") or {}).values():
        for name, spec in ((stage or {}).get("streams") or {}).items():
            streams[name] = {**streams.get(name, {}), **spec}
    return streams


def _protocol(
    config: Mapping[str, Any], run: Run, labels: Labels, told: bool
) -> tuple[dict[str, Any], list[str]]:
    """The other corpus's protocol with the run's classes, and its classes that are left out."""
    from mmser.corpora.manifest import to_table
    from mmser.training.inputs.corpora import build_corpora

    tested = build_corpora(read_run(config)).tested
    task = run.finished()[0].task
    options = {**tested.protocol_config, "counts": {}, "ids": [], "values": list(task.values)}
    if not task.classes:
        return {**options, "classes": [], "labels": {}}, []
    manifest = to_table(list(tested.corpus.utterances()))
    protocol: EvaluationProtocol = tested.protocol.resolve(manifest)
    if protocol.bins or protocol.label_file or not protocol.classes:
        raise UsageError(
            "a protocol with labels as words, for the classes of the run",
            protocol.name,
            "Name another with protocol=NAME (`mmser list protocols`).",
        )
    unknown = sorted(set(labels) - set(protocol.classes))
    if unknown:
        raise UsageError(
            f"labels among {', '.join(protocol.classes)}",
            ", ".join(unknown),
            "Correct labels={...}.",
        )
    # The run's own protocol may say what its words mean ("exc" is happy).
    own_words = dict(run.config["protocol"].get("labels") or {})
    meant = classes_of(list(protocol.classes), task.classes, own_words)
    becomes = dict(zip(protocol.classes, meant, strict=True)) | dict(labels)
    wrong = sorted({name for name in becomes.values() if name is not None} - set(task.classes))
    if wrong:
        raise UsageError(
            f"classes of the run ({', '.join(task.classes)})",
            ", ".join(wrong),
            "Correct labels={...}.",
        )
    if not any(becomes.values()):
        raise MmserError(
            f"labels of {tested.name} that mean {', '.join(task.classes)}",
            ", ".join(becomes),
            "Say which with labels={LABEL: CLASS, ...}.",
        )
    if told:
        _tell(tested.name, becomes, task.classes)
    words = protocol.labels or {name: name for name in protocol.classes}
    mapped = {word: becomes[name] for word, name in words.items() if becomes.get(name)}
    left_out = [name for name, meaning in becomes.items() if meaning is None]
    return {**options, "classes": list(task.classes), "labels": mapped}, left_out


def _tell(corpus: str, becomes: Labels, classes: Sequence[str]) -> None:
    """Say what is left out, and what the other corpus has not."""
    left_out = [name for name, meaning in becomes.items() if meaning is None]
    if left_out:
        _log.warning(
            "left out of %s, since the run has no such classes: %s (labels={LABEL: CLASS} says "
            "otherwise)",
            corpus,
            ", ".join(left_out),
        )
    absent = [name for name in classes if name not in becomes.values()]
    if absent:
        _log.warning(
            "%s has no utterance of %s; the run may still say it, which counts as wrong",
            corpus,
            ", ".join(absent),
        )


def _ensure_features(run: Run, config: Mapping[str, Any]) -> None:
    """Make the caches that are missing; raise MmserError where they are other than the run's."""
    from mmser.cache.find import find_store
    from mmser.training.inputs.corpora import build_corpora
    from mmser.training.inputs.refresh import refresh_manifest

    corpus = build_corpora(read_run(config)).tested.corpus
    name = str(corpus.name)
    changes = refresh_manifest(corpus, Path(config["cache"]))
    ensure_caches(config, {name: changes} if changes else None)
    for stream, spec in config["streams"].items():
        extractor = spec["extractor"]
        recorded = run.recorded.get(extractor)
        store = find_store(config["cache"], name, extractor).name
        if recorded and split_store_name(recorded) and store != recorded:
            raise MmserError(
                f"features of {name} as the run was trained on, {recorded} (stream {stream})",
                store,
                "Run `mmser preprocess` on this corpus with the words that made the run's cache.",
            )

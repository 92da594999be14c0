"""Videos to modality caches: `mmser preprocess`, and what a run finds missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT
from mmser.composition import built, compose, listed, load_part
from mmser.core.configs import load_config
from mmser.core.contracts import Corpus
from mmser.core.errors import UsageError
from mmser.core.share import Share
from mmser.core.trust import trust_typed
from mmser.extraction.word_sources import group_of
from mmser.pipeline.word_option import split_option
from mmser.settings.preprocess import Engine, Preprocess
from mmser.settings.reading import read_options
from mmser.settings.run import RunSettings

if TYPE_CHECKING:
    import pandas as pd

    from mmser.extraction.engines.ray_engine import RayEngine


def preprocess(
    corpus: str,
    extractors: Sequence[str],
    root: str | Path | None = None,
    transcript: str = "corpus",
    cache: str | Path = "cache",
    weights: str | None = None,
    overrides: Sequence[str] = (),
    words: str = "corpus",
) -> pd.DataFrame:
    """Turn a corpus into caches, one per extractor; what is cached already is not done again.

    ``corpus`` and ``extractors`` are names from `mmser list`; ``overrides`` are further Hydra
    words; ``words`` names an aligner that gives times to the corpus's own words. Returns one row
    per extractor: done, failed, reasons, directory, seconds.
    """
    options = [
        f"corpus={corpus}",
        f"extractors=[{','.join(extractors)}]",
        f"transcript={transcript}",
        f"words={words}",
        f"cache={cache}",
    ]
    options += [f"corpus.root={root}"] if root is not None else []
    options += [f"weights={weights}"] if weights is not None else []
    return preprocess_config([*options, *overrides])


def preprocess_config(overrides: Sequence[str]) -> pd.DataFrame:
    """`mmser preprocess`: the same from Hydra words alone."""
    from mmser.extraction.batches import process_count
    from mmser.extraction.preprocess import preprocess as extract

    trust_typed(overrides)
    names = listed(overrides, "extractors")
    if not names:
        raise UsageError("extractors=[NAME,...]", "none", "`mmser list extractors` prints them.")
    source, _ = split_option(overrides)
    parts = [f"+extractor@extractor.{name}={name}" for name in names]
    parts += [] if source is None else _source_words(source)
    options = read_options(Preprocess, compose("preprocess", [*parts, *overrides]))
    word_source = options.transcriber or options.aligner
    return extract(
        built(options.corpus),
        _extractors(options.extractor, options.weights),
        Path(options.cache),
        transcriber=built(word_source) if word_source else None,
        transcript=source or CORPUS_TRANSCRIPT,
        workers=process_count(options.workers),
        frame_rate=options.frame_rate,
        max_failures=options.max_failures,
        share=Share.parse(options.shard) if options.shard is not None else None,
        engine=_engine(options.engine),
    )


def preprocess_for(
    settings: RunSettings, corpus: Corpus, transcript: str, names: Sequence[str]
) -> None:
    """Make the stores that a run with these ``settings`` reads of one of its corpora."""
    from mmser.extraction.batches import process_count
    from mmser.extraction.preprocess import preprocess as extract
    from mmser.extraction.word_sources import make_word_source

    parts = {name: load_part("extractor", name, settings.paths) for name in names}
    is_own = transcript == CORPUS_TRANSCRIPT
    transcriber = None if is_own else make_word_source(transcript, settings.paths)
    extract(
        corpus,
        _extractors(parts, settings.weights),
        Path(settings.cache),
        transcriber=transcriber,
        transcript=transcript,
        workers=process_count(load_config("", "preprocess")["workers"]),
    )


def _engine(options: Engine) -> RayEngine | None:
    """None: the processes of this machine."""
    if options.name == "processes":
        return None
    from mmser.extraction.engines.ray_engine import RayEngine

    return RayEngine(options.address, options.cpus_per_task, options.gpus_per_task)


def _source_words(name: str) -> list[str]:
    """The override words that choose a word source, ``whisper`` or ``whisper-tiny.en``."""
    group, (config, _, model) = group_of(name), name.partition("-")
    return [f"+{group}={config}", *([f"{group}.model={model}"] if model else [])]


def _extractors(parts: Mapping[str, Mapping[str, Any]], weights: str | None) -> dict[str, Any]:
    """The extractors by their names; the option ``weights`` goes to those that read weights."""
    extractors = {}
    for name, part in parts.items():
        reads_weights = weights is not None and "weights" in part
        extractors[name] = built({**part, "weights": weights} if reads_weights else part)
    return extractors

"""Videos to modality caches: `mmser preprocess`, and what a run finds missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.composition import built, chosen, compose, listed, load_part
from mmser.core.configs import load_config
from mmser.core.contracts import Corpus
from mmser.core.errors import UsageError
from mmser.core.trust import trust_typed
from mmser.settings.preprocess import Preprocess
from mmser.settings.reading import read_options
from mmser.settings.run import RunSettings

if TYPE_CHECKING:
    import pandas as pd


def preprocess(
    corpus: str,
    extractors: Sequence[str],
    root: str | Path | None = None,
    transcript: str = "corpus",
    cache: str | Path = "cache",
    weights: str | None = None,
    overrides: Sequence[str] = (),
) -> pd.DataFrame:
    """Turn a corpus into caches, one per extractor; what is cached already is not done again.

    ``corpus`` and ``extractors`` are names from `mmser list`; ``overrides`` are further Hydra
    words. Returns one row per extractor: done, failed, reasons, directory, seconds.
    """
    words = [
        f"corpus={corpus}",
        f"extractors=[{','.join(extractors)}]",
        f"transcript={transcript}",
        f"cache={cache}",
    ]
    words += [f"corpus.root={root}"] if root is not None else []
    words += [f"weights={weights}"] if weights is not None else []
    return preprocess_config([*words, *overrides])


def preprocess_config(overrides: Sequence[str]) -> pd.DataFrame:
    """`mmser preprocess`: the same from Hydra words alone."""
    from mmser.extraction.preprocess import preprocess as extract

    trust_typed(overrides)
    names = listed(overrides, "extractors")
    if not names:
        raise UsageError("extractors=[NAME,...]", "none", "`mmser list extractors` prints them.")
    transcript = chosen(overrides, "transcript") or "corpus"
    parts = [f"+extractor@extractor.{name}={name}" for name in names]
    parts += [f"+transcriber={transcript}"] if transcript != "corpus" else []
    options = read_options(Preprocess, compose("preprocess", [*parts, *overrides]))
    return extract(
        built(options.corpus),
        _extractors(options.extractor, options.weights),
        Path(options.cache),
        transcriber=built(options.transcriber) if options.transcriber else None,
        transcript=transcript,
        workers=options.workers,
        frame_rate=options.frame_rate,
        max_failures=options.max_failures,
    )


def preprocess_for(
    settings: RunSettings, corpus: Corpus, transcript: str, names: Sequence[str]
) -> None:
    """Make the stores that a run with these ``settings`` reads of one of its corpora."""
    from mmser.evaluation.stress.words.transcribed import make_transcriber
    from mmser.extraction.preprocess import preprocess as extract

    parts = {name: load_part("extractor", name, settings.paths) for name in names}
    is_own = transcript == "corpus"
    transcriber = None if is_own else make_transcriber(transcript, settings.paths)
    extract(
        corpus,
        _extractors(parts, settings.weights),
        Path(settings.cache),
        transcriber=transcriber,
        transcript=transcript,
        workers=load_config("", "preprocess")["workers"],
    )


def _extractors(parts: Mapping[str, Mapping[str, Any]], weights: str | None) -> dict[str, Any]:
    """The extractors by their names; the option ``weights`` goes to those that read weights."""
    extractors = {}
    for name, part in parts.items():
        reads_weights = weights is not None and "weights" in part
        extractors[name] = built({**part, "weights": weights} if reads_weights else part)
    return extractors

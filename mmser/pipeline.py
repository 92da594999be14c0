"""The road end to end: corpus -> caches -> folds -> predictions -> report, each step skipped where
it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.layout import MANIFEST, split_store_name
from mmser.cache.recorded import recorded_stores
from mmser.cache.remedy import split_source
from mmser.composition import built, chosen, compose, default_protocol, listed, merged, read_yaml
from mmser.composition import sweep as hydra_sweep
from mmser.core.configs import load_config
from mmser.core.errors import MmserError, UsageError
from mmser.core.trust import trust_typed
from mmser.settings.settings import require_run

if TYPE_CHECKING:
    import pandas as pd

    from mmser.corpora.changes import Changes
    from mmser.training.run import Run

log = logging.getLogger(__name__)


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
    config = compose("preprocess", [*parts, *overrides])
    return extract(
        built(config["corpus"]),
        {
            name: built(_with_weights(part, config["weights"]))
            for name, part in config["extractor"].items()
        },
        Path(config["cache"]),
        transcriber=built(_with_weights(config["transcriber"], None))
        if "transcriber" in config
        else None,
        transcript=transcript,
        workers=config["workers"],
        frame_rate=config["frame_rate"],
        max_failures=config["max_failures"],
    )


def _with_weights(part: Mapping[str, Any], weights: str | None) -> dict[str, Any]:
    """The extractor's config with the global ``weights`` option applied, where the extractor has
    weights at all.
    """
    return {**part, "weights": weights} if weights is not None and "weights" in part else dict(part)


def train(
    *overrides: str,
    config: str | Path | None = None,
    parts: Mapping[str, Callable[..., Any]] | None = None,
) -> Run:
    """Cache what is missing, train every fold and seed that is not done, and write the predictions
    of the test part.

    ``overrides`` are Hydra words ("system=mcsan", "corpus=emodb"); ``config`` is a saved run's
    config.yaml to repeat. ``parts`` exchanges parts of the system for classes of your own,
    ``{"model.fusion": MyFusion}``: see `mmser.training.components.own_parts`. The same call goes on
    where an interrupted one stopped.
    """
    trust_typed(overrides)
    settings = repeated(config, overrides) if config else train_settings(overrides)
    if not parts:
        return train_config(settings)
    from mmser.training.components.own_parts import keep_sources, with_parts

    run = train_config(with_parts(settings, parts))
    keep_sources(run.directory, parts)
    return run


def repeated(config: str | Path, overrides: Sequence[str]) -> dict[str, Any]:
    """A saved run's config with overrides; one of an earlier version may lack an option, which
    raises UsageError.
    """
    from mmser.training.places import check_places

    settings = merged(read_yaml(config), overrides)
    require_run(settings)
    check_places(settings, [word.lstrip("+").partition("=")[0] for word in overrides], Path(config))
    return settings


def train_settings(overrides: Sequence[str]) -> dict[str, Any]:
    """Compose the training config; a protocol that is not named is the corpus's default one."""
    corpus = chosen(overrides, "corpus")
    named = chosen(overrides, "protocol")
    added = [f"protocol={default_protocol(corpus)}"] if corpus and not named else []
    return compose("train", [*added, *overrides])


def train_config(settings: dict[str, Any]) -> Run:
    """The same from a resolved mapping."""
    from mmser.evaluation.evaluate import evaluate
    from mmser.training.fit import train as fit
    from mmser.training.inputs.refresh import refresh

    ensure_caches(settings, refresh(settings))
    run = fit(settings)
    evaluate(run)
    return run


def ensure_caches(
    settings: Mapping[str, Any], changed: Mapping[str, Changes] | None = None
) -> None:
    """Preprocess whatever the run reads and no cache holds in full; raises MmserError when a corpus
    is not there.

    Every corpus of the run (``corpus`` and ``domains``) and every stream of every stage count. A
    corpus whose words, times or media have ``changed`` since it was cached is preprocessed again:
    what its content still is, is kept.
    """
    stages = (settings.get("stages") or {}).values()
    named = [
        *settings["streams"].values(),
        *(s for stage in stages for s in (stage.get("streams") or {}).values()),
    ]
    extractors = dict.fromkeys(
        str(stream["extractor"]) for stream in named if "extractor" in stream
    )
    recorded = _recorded(settings)
    extractors = dict.fromkeys(recorded.get(name, name) for name in extractors)
    domains = [domain["corpus"] for domain in (settings.get("domains") or {}).values()]
    for corpus in [settings["corpus"], *domains]:
        changes = (changed or {}).get(str(built(corpus).name))
        _ensure_corpus(settings, corpus, [*extractors], changes.of_content if changes else [])


def _ensure_corpus(
    settings: Mapping[str, Any],
    corpus: Mapping[str, Any],
    extractors: Sequence[str],
    changed: Sequence[str],
) -> None:
    name = built(corpus).name
    missing: dict[str, list[str]] = {}
    for extractor in extractors:
        if not _cached(Path(settings["cache"]), name, extractor) or changed:
            if changed and split_store_name(extractor):
                raise _outdated(name, extractor, changed)
            base, transcript = split_source(extractor)
            missing.setdefault(transcript or "corpus", []).append(base)
    _check_makers(missing)
    for transcript, names in missing.items():
        state = "its cache is of other media or words" if changed else "no complete cache yet"
        log.info("%s, %s: %s: preprocessing", name, ", ".join(names), state)
        _preprocess_for(settings, corpus, transcript, names)


def _check_makers(missing: Mapping[str, Sequence[str]]) -> None:
    """Raise UsageError for a store that no extractor and recogniser can make, before the first is
    made.
    """
    for transcript, names in missing.items():
        for name in names:
            load_config("extractor", name)
        if transcript != "corpus":
            load_config("transcriber", transcript.partition("-")[0])


def _outdated(corpus: str, store: str, changed: Sequence[str]) -> MmserError:
    return MmserError(
        f"features of {corpus} as it is now",
        f"{store}, made before the media, times or words of {len(changed)} utterances changed "
        f"({changed[0]} first)",
        "Run `mmser preprocess` with the words that made it, which keeps what is unchanged.",
    )


def _cached(cache: Path, corpus: str, extractor: str) -> bool:
    """The store is there and knows every utterance of the manifest, as done or as failed.

    Raises MmserError when the name means several stores, a file is damaged, or a store named in
    full is not there.
    """
    from mmser.cache.find import NotCachedError
    from mmser.cache.manifests import check_manifest
    from mmser.cache.store import Store, find_store
    from mmser.corpora.manifest import read_manifest

    try:
        store = Store(find_store(cache, corpus, extractor))
    except NotCachedError:
        # Only the words that made it tell how to make a store with this fingerprint: ours may make
        # another.
        if split_store_name(extractor):
            raise
        return False
    manifest = cache / corpus / MANIFEST
    if not manifest.is_file():
        return False
    check_manifest(manifest.parent)
    return set(read_manifest(manifest)["id"]) <= set(store.index["id"])


def _recorded(settings: Mapping[str, Any]) -> dict[str, str]:
    """The stores that the run in these settings' folder was made from, if it was begun already."""
    from mmser.training.folder import ENVIRONMENT, read_json, run_directory

    path = run_directory(settings) / ENVIRONMENT
    return recorded_stores(settings, read_json(path)) if path.is_file() else {}


def _preprocess_for(
    settings: Mapping[str, Any], corpus: Mapping[str, Any], transcript: str, names: Sequence[str]
) -> None:

    from mmser.evaluation.stress.words.transcribed import make_transcriber
    from mmser.extraction.preprocess import preprocess as extract

    parts = [f"+extractor@extractor.{name}={name}" for name in names]
    base = compose(
        "preprocess", ["corpus=generic", f"paths.weights={settings['paths']['weights']}", *parts]
    )
    weights = settings.get("weights")
    extract(
        built(corpus),
        {name: built(_with_weights(part, weights)) for name, part in base["extractor"].items()},
        Path(settings["cache"]),
        transcriber=None if transcript == "corpus" else make_transcriber(transcript, settings),
        transcript=transcript,
        workers=base["workers"],
    )


DEMO = """mmser demo: everything below {out}/, no download, a few minutes on two cores
  1. write a small SYNTHETIC corpus in IEMOCAP's layout: ten speakers, computer speech,
     warped faces                                                                  corpus/
  2. decode each video once into caches of speech, word and face features
     (face network: random weights)                                                cache/
  3. train a gated fusion of the three, leaving one session out in turn            runs/
  4. predict and score each left-out session, and draw the report
What it shows is that the pipeline works; its scores say nothing about real emotions."""


def demo(out: str | Path = "demo") -> Path:
    """Run the whole pipeline on the synthetic corpus below ``out``; returns the report's path."""
    from mmser.reports.report import report

    folder = Path(out)
    log.info("%s", DEMO.format(out=folder))
    words = ["system=gated", "corpus=synthetic", "protocol=synthetic4_loso5", "experiment=demo"]
    places = [
        f"corpus.root={folder / 'corpus'}",
        f"cache={folder / 'cache'}",
        f"paths.runs={folder / 'runs'}",
    ]
    run = train(*words, *places)
    return report([run.directory], folder / "report.html")


def sweep(overrides: Sequence[str]) -> None:
    """`mmser train --multirun`: one run per combination of comma-separated values.

    A sweeper that optimises is given the mean validation score of the folds, never a test score.
    """
    trust_typed(overrides)
    corpus = chosen(overrides, "corpus")
    added = (
        [f"protocol={default_protocol(corpus)}"]
        if corpus and not chosen(overrides, "protocol")
        else []
    )
    hydra_sweep("train", [*added, *overrides], _validation_score)


def _validation_score(settings: dict[str, Any]) -> float:
    run = train_config(settings)
    log.info("run: %s", run.directory)
    scores = [float(run.describe(fold, seed)["best_score"]) for fold, seed in run.folds]
    return sum(scores) / len(scores)


def load_run(directory: str | Path) -> Run:
    """Open a finished or unfinished run folder."""
    from mmser.training.run import Run

    return Run(directory)

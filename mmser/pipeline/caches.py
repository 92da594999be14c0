"""The caches that a run reads: which are missing or outdated, and their making."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.layout import MANIFEST, SHARDS, split_store_name
from mmser.cache.recorded import recorded_stores
from mmser.cache.remedy import split_source
from mmser.core.configs import load_config
from mmser.core.contracts import Corpus
from mmser.core.errors import MmserError
from mmser.extraction.word_sources import group_of
from mmser.pipeline.preprocess import preprocess_for
from mmser.settings.run import RunSettings, read_run

if TYPE_CHECKING:
    from mmser.corpora.changes import Changes

log = logging.getLogger(__name__)


def ensure_caches(config: Mapping[str, Any], changed: Mapping[str, Changes] | None = None) -> None:
    """Preprocess what the run reads and no cache holds in full.

    Raises MmserError when a corpus is not there. Every corpus of the run (``corpus`` and
    ``domains``) and every stream of every stage count. A corpus whose words, times or media have
    ``changed`` since it was cached is preprocessed again: what its content still is, is kept.
    """
    from mmser.training.inputs.corpora import build_corpora

    settings = read_run(config)
    recorded = _recorded(config)
    extractors = [recorded.get(name, name) for name in _extractors(config)]
    for each in build_corpora(settings).all:
        changes = (changed or {}).get(each.name)
        content = changes.of_content if changes else []
        _ensure_corpus(settings, each.corpus, list(dict.fromkeys(extractors)), content)


def _extractors(config: Mapping[str, Any]) -> list[str]:
    """The extractors of every stream of the run and of its stages, as the config names them."""
    from mmser.runs.training_stages import list_stages

    streams = [*read_run(config).streams.values()]
    for stage in list_stages(config):
        streams += stage.settings.streams.values()
    return list(dict.fromkeys(spec.extractor for spec in streams))


def _ensure_corpus(
    settings: RunSettings, corpus: Corpus, extractors: Sequence[str], changed: Sequence[str]
) -> None:
    name = str(corpus.name)
    missing: dict[str, list[str]] = {}
    for extractor in extractors:
        if not _cached(Path(settings.cache), name, extractor) or changed:
            if changed and split_store_name(extractor):
                raise _outdated(name, extractor, changed)
            base, transcript = split_source(extractor)
            if not changed:
                _check_merged(Path(settings.cache), name, extractor)
            missing.setdefault(transcript or "corpus", []).append(base)
    _check_makers(missing)
    for transcript, names in missing.items():
        state = "its cache is of other media or words" if changed else "no complete cache yet"
        log.info("%s, %s: %s: preprocessing", name, ", ".join(names), state)
        preprocess_for(settings, corpus, transcript, names)


def _check_merged(cache: Path, corpus: str, extractor: str) -> None:
    """Raise MmserError where shards of the store wait: to compute it all anew is no one's wish."""
    waiting = sorted((cache / SHARDS).glob(f"*/{corpus}/{extractor}-*"))
    if waiting:
        raise MmserError(
            f"one cache of {extractor} of {corpus}",
            f"shards that are not merged, such as {waiting[0]}",
            f"Run: mmser cache merge {cache}. Or remove {cache / SHARDS} to compute it anew.",
        )


def _check_makers(missing: Mapping[str, Sequence[str]]) -> None:
    """Raise UsageError for a store that cannot be made here.

    All are checked before the first is made.
    """
    for transcript, names in missing.items():
        for name in names:
            load_config("extractor", name)
        if transcript != "corpus":
            group_of(transcript)


def _outdated(corpus: str, store: str, changed: Sequence[str]) -> MmserError:
    return MmserError(
        f"features of {corpus} as it is now",
        f"{store}, made before the media, times or words of {len(changed)} utterances changed "
        f"({changed[0]} first)",
        "Run `mmser preprocess` with the words that made it, which keeps what is unchanged.",
    )


def _cached(cache: Path, corpus: str, extractor: str) -> bool:
    """Whether the store exists and lists every utterance of the manifest, as done or as failed.

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
        # The config of today may give another fingerprint: only the words of the command that made
        # this store would make it again.
        if split_store_name(extractor):
            raise
        return False
    manifest = cache / corpus / MANIFEST
    if not manifest.is_file():
        return False
    check_manifest(manifest.parent)
    return all(map(store.knows, read_manifest(manifest)["id"]))


def _recorded(config: Mapping[str, Any]) -> dict[str, str]:
    """The stores that the run in this config's folder was made from, if it was begun already."""
    from mmser.runs.run_identity import run_directory
    from mmser.runs.run_paths import ENVIRONMENT
    from mmser.runs.run_tables import read_json

    path = run_directory(config) / ENVIRONMENT
    return recorded_stores(config, read_json(path)) if path.is_file() else {}

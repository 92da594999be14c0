"""Text features of a corpus made of a speech recogniser's transcripts, where they are missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cache.feature_store import FeatureStore
from mmser.cache.find import NotCachedError, find_store
from mmser.cache.store import Store
from mmser.extraction.rebuild import extractor_like, same_maker
from mmser.extraction.word_sources import make_transcriber

if TYPE_CHECKING:
    from mmser.training.run import Run


def ensure_transcribed(
    run: Run, stores: Mapping[str, FeatureStore], backend: str, only: Collection[str] | None = None
) -> dict[str, str]:
    """{stream: full name of its store with the recogniser's words}.

    Transcribes and extracts what is not cached.

    ``stores`` are the run's text streams', whose extractors and parameters the new stores share;
    ``only`` the utterances to transcribe (None: the whole corpus). Raises UsageError for an unknown
    recogniser, MmserError when the corpus's media, the recogniser or its weights are not there.
    """
    missing = [
        stream for stream, store in stores.items() if not _is_cached(run, store, backend, only)
    ]
    if missing:
        from mmser.extraction.preprocess import preprocess

        preprocess(
            run.corpora.tested.corpus,
            {
                str(stores[stream].info["extractor"]): extractor_like(stores[stream], run)
                for stream in missing
            },
            run.settings.cache,
            transcriber=make_transcriber(backend, run.settings.paths),
            transcript=backend,
            only=only,
            max_failures=1.0,  # what is not heard is what is to be measured
        )
    return {stream: _find(run, store, backend).name for stream, store in stores.items()}


def _find(run: Run, store: FeatureStore, backend: str) -> Path:
    """The store that the same extractor with the same parameters made of the recogniser's words."""
    name = f"{store.info['extractor']}@{backend}"
    return find_store(
        run.settings.cache, run.corpora.tested.name, name, partial(same_maker, store.info)
    )


def _is_cached(run: Run, store: FeatureStore, backend: str, only: Collection[str] | None) -> bool:
    """The store knows every utterance asked for, as done or as failed."""
    try:
        store_of_transcripts = Store(_find(run, store, backend))
    except NotCachedError:
        return False
    return all(map(store_of_transcripts.knows, run.manifest["id"] if only is None else only))

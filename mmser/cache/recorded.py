"""The stores a run was made from, by the fingerprints in its record.

Whatever else lies in the cache by now does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmser.cache.find import NotCachedError, find_store
from mmser.cache.layout import split_store_name
from mmser.core.errors import MmserError

Settings = Mapping[str, Any]


def recorded_stores(settings: Settings, environment: Mapping[str, Any]) -> dict[str, str]:
    """{extractor as the config names it: full name of the store's folder}.

    They are in ``caches`` of the run's environment.json: the fingerprint of each stream, and as
    ``<stage>.<stream>`` that of each stream for which a stage names another extractor.
    """
    names = {}
    for key, fingerprint in (environment.get("caches") or {}).items():
        stage, _, stream = str(key).rpartition(".")
        extractor = _extractor(settings, stage, stream)
        if extractor is not None:
            short = (split_store_name(extractor) or (extractor,))[0]
            names[extractor] = f"{short}-{fingerprint}"
    return names


def _extractor(settings: Settings, stage: str, stream: str) -> str | None:
    """The extractor that the run, or one of its stages, names for a stream."""
    section = (settings.get("stages") or {}).get(stage) or {} if stage else settings
    spec = (section.get("streams") or {}).get(stream) or {}
    extractor = spec.get("extractor")
    return None if extractor is None else str(extractor)


def find_recorded(
    cache: str | Path, corpus: str, extractor: str, recorded: Mapping[str, str]
) -> Path:
    """The store that a run's record names for ``extractor``, or else the only one of that name.

    Raises as `find_store`; MmserError when the recorded one is gone.
    """
    if extractor not in recorded:
        return find_store(cache, corpus, extractor)
    try:
        return find_store(cache, corpus, recorded[extractor])
    except NotCachedError as error:
        expected = f"the cache that the run was trained on, {recorded[extractor]} of {corpus}"
        remedy = (
            f"{error.remedy} (with the options it was made with), or train again in another "
            "run=DIR."
        )
        raise MmserError(expected, error.found, remedy) from error

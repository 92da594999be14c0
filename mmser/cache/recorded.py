"""The stores a run was made from, by the fingerprints in its record, whatever else lies in the
cache by now.
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
    """{extractor as the config names it: full name of the store's folder}, from the ``caches`` of
    environment.json.

    ``caches`` holds the fingerprint of each stream, and as ``<stage>.<stream>`` that of each stream
    for which a stage names another extractor.
    """
    names = {}
    for key, fingerprint in (environment.get("caches") or {}).items():
        stage, _, stream = str(key).rpartition(".")
        part = (settings.get("stages") or {}).get(stage) or {} if stage else settings
        asked = ((part.get("streams") or {}).get(stream) or {}).get("extractor")
        if asked is not None:
            short = (split_store_name(str(asked)) or (str(asked),))[0]
            names[str(asked)] = f"{short}-{fingerprint}"
    return names


def find_recorded(
    cache: str | Path, corpus: str, extractor: str, recorded: Mapping[str, str]
) -> Path:
    """The store that a run's record names for ``extractor``, or the one of that name where the
    record knows none.

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

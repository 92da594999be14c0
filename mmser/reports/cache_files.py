"""What a report reads of the caches that a run was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.index import as_table, read_rows
from mmser.cache.info import read_info
from mmser.cache.layout import INDEX
from mmser.cache.recorded import recorded_stores


@dataclass(frozen=True, eq=False)
class CacheFiles:
    """One stream's cache: its info, its index, its size in bytes.

    ``stream`` is the stream's name, followed by the corpus where there are several.
    """

    stream: str
    directory: Path
    info: dict[str, Any]
    index: pd.DataFrame
    size: int


def read_caches(
    config: Mapping[str, Any], fingerprints: Mapping[str, str], corpora: Sequence[str]
) -> list[CacheFiles]:
    """The caches of these ``fingerprints`` {stream: fingerprint} that are still on this machine.

    Raises MmserError when one is damaged.
    """
    if not config.get("cache"):
        return []
    caches = []
    for stream, fingerprint in fingerprints.items():
        # Two extractors of one recipe have the same fingerprint: the config says which was read.
        names = recorded_stores(config, {"caches": {stream: fingerprint}})
        pattern = next(iter(names.values()), f"*-{fingerprint}")
        for corpus in corpora:
            stores = sorted((Path(config["cache"]) / corpus).glob(pattern))
            label = stream if len(corpora) == 1 else f"{stream} ({corpus})"
            caches += [_read_cache(label, store) for store in stores[:1]]
    return caches


def _read_cache(stream: str, directory: Path) -> CacheFiles:
    index = directory / INDEX
    table = as_table(read_rows(index)) if index.is_file() else pd.DataFrame()
    size = sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
    return CacheFiles(stream, directory, read_info(directory), table, size)

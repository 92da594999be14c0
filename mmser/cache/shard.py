"""One memory-mapped safetensors file: arrays are views into it, so that reading copies nothing.

Its header is kept as three numbers an array, not as objects of Python, of which a process that
reads a large store would gather gigabytes.
"""

from __future__ import annotations

import json
import mmap
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from math import prod
from pathlib import Path

import numpy as np
from safetensors import safe_open

_DTYPES: dict[str, type[np.generic]] = {
    "F16": np.float16,
    "F32": np.float32,
    "I32": np.int32,
    "I64": np.int64,
}
_METADATA = "__metadata__"


class Shard:
    """The arrays of one shard, by key."""

    def __init__(self, path: Path) -> None:
        """Raises SafetensorError for a damaged file, OSError for a missing one."""
        with safe_open(str(path), framework="numpy"):
            pass  # The library checks that every tensor lies inside the file.
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        length = int.from_bytes(self._map[:8], "little")
        header = json.loads(self._map[8 : 8 + length])
        header.pop(_METADATA, None)
        # Numbers of different keys are different ones: with another salt, should two be the same.
        self._salt, numbers = 0, _numbers(header, 0)
        while len(set(numbers)) < len(numbers):
            self._salt += 1
            numbers = _numbers(header, self._salt)
        kinds: dict[tuple[type[np.generic], tuple[int, ...]], int] = {}
        begins, kind_of = [], []
        for entry in header.values():
            begins.append(8 + length + entry["data_offsets"][0])
            kind = (_DTYPES[entry["dtype"]], tuple(entry["shape"]))
            kind_of.append(kinds.setdefault(kind, len(kinds)))
        keys = np.array(numbers, np.uint64)
        order = np.argsort(keys)
        # As a view: of an array of NumPy one number is slow to take.
        self._keys = keys[order].data
        self._begins = np.array(begins, np.int64)[order]
        self._kind_of = np.array(kind_of, np.int32)[order]
        self._kinds = list(kinds)

    def read(self, key: str) -> np.ndarray:
        """The read-only array stored under ``key``. Raises KeyError when there is none."""
        number = _number(key, self._salt)
        at = bisect_left(self._keys, number)
        if at == len(self._keys) or self._keys[at] != number:
            raise KeyError(key)
        dtype, shape = self._kinds[self._kind_of.item(at)]
        flat = np.frombuffer(self._map, dtype, prod(shape), self._begins.item(at))
        return flat.reshape(shape)


def _numbers(keys: Iterable[str], salt: int) -> list[int]:
    return [_number(key, salt) for key in keys]


def _number(key: str, salt: int) -> int:
    digest = blake2b(key.encode(), digest_size=8, salt=salt.to_bytes(2, "little"))
    return int.from_bytes(digest.digest(), "little")

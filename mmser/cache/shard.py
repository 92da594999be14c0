"""One memory-mapped safetensors file: arrays are views into it, so that reading copies nothing."""

from __future__ import annotations

import json
import mmap
from pathlib import Path

import numpy as np
from safetensors import safe_open

_DTYPES = {"F16": np.float16, "F32": np.float32, "I32": np.int32, "I64": np.int64}


class Shard:
    """The arrays of one shard, by key."""

    def __init__(self, path: Path) -> None:
        """Raises SafetensorError for a damaged file, OSError for a missing one."""
        with safe_open(str(path), framework="numpy"):
            pass  # The library checks that every tensor lies inside the file.
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        length = int.from_bytes(self._map[:8], "little")
        self._header = json.loads(self._map[8 : 8 + length])
        self._begin = 8 + length

    def read(self, key: str) -> np.ndarray:
        """The read-only array stored under ``key``. Raises KeyError when there is none."""
        entry = self._header[key]
        start, _ = entry["data_offsets"]
        shape = tuple(entry["shape"])
        size = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(self._map, _DTYPES[entry["dtype"]], size, self._begin + start)
        return flat.reshape(shape)

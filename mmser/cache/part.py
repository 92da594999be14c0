"""What one `Writer.add` brought: held in memory for some seconds, then a file of its own.

A shard is put together of parts, wherever they are: what fills a shard within those seconds is
written once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from mmser.cache.rows import Row
from mmser.cache.shard import Shard
from mmser.cache.shard_file import contents_of, write_arrays, write_contents
from mmser.core.errors import MmserError

_SMALL_BYTES = 64 * 1024


class Part:
    """The arrays of one step, and the bytes that its file has or would have."""

    def __init__(self, path: Path, tensors: Mapping[str, np.ndarray], rows: Sequence[Row]) -> None:
        """``path``: where it is written when it is (see `write`)."""
        self.path = path
        self._tensors = {key: _kept(array) for key, array in tensors.items()}
        self._contents = contents_of(self._tensors, {"rows": json.dumps(rows)})
        self.bytes = sum(map(len, self._contents))

    @classmethod
    def on_disk(cls, path: Path) -> tuple[Part, list[Row]]:
        """A part that an earlier process has written, and its rows."""
        rows = _rows(path)
        part = cls.__new__(cls)
        part.path, part.bytes = path, path.stat().st_size
        part._tensors, part._contents = {}, []
        return part, rows

    @property
    def is_held(self) -> bool:
        """Whether it is in memory alone."""
        return bool(self._contents)

    def write(self) -> None:
        """Put it on the disk, and let go of the memory."""
        if self.is_held:
            write_contents(self.path, self._contents, digested=False)
            self._tensors, self._contents = {}, []

    def remove(self) -> None:
        """Remove its file, where there is one."""
        if not self.is_held:
            self.path.unlink()

    def arrays(self) -> dict[str, np.ndarray]:
        """Its arrays by key."""
        if self.is_held:
            return self._tensors
        shard = Shard(self.path)
        with safe_open(str(self.path), framework="numpy") as file:
            return {key: shard.read(key) for key in file.keys()}  # noqa: SIM118 # no mapping


def write_shard(parts: Sequence[Part], path: Path) -> str:
    """Write the arrays of all parts as one shard; its checksum, "" where there are none."""
    tensors: dict[str, np.ndarray] = {}
    for part in parts:
        tensors |= part.arrays()
    return write_arrays(path, tensors) if tensors else ""


def _kept(array: np.ndarray) -> np.ndarray:
    """The array; a small one that may be a view keeps no larger memory from being freed."""
    return array.copy() if array.nbytes < _SMALL_BYTES and not array.flags.owndata else array


def _rows(path: Path) -> list[Row]:
    try:
        with safe_open(str(path), framework="numpy") as part:
            rows: list[Row] = json.loads(part.metadata()["rows"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise MmserError(
            f"a whole part at {path}", str(error), "Delete this file and repeat the command."
        ) from error
    return rows

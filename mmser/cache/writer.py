"""Filling a store: parts as they come, shards of a fixed size, an index.

Each `Writer.add` becomes a part file. When the parts reach the shard size they are merged into one
shard, its rows become a piece of the index, and the parts are removed; further parts are written
meanwhile. Every step is a rename, so that the disk always holds the state after some whole step: a
process that is killed at any point loses at most the step it was in, and the next one resumes
there. No step costs more in a large
store than in a small one. The pieces of the index are put together when the store is finished, or
opened to be filled. The bytes of a finished store depend on the sequence of entries alone, never on
time or on interruptions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from mmser.cache.atomic import write_json
from mmser.cache.empty import no_empty_store
from mmser.cache.entry import Entry, prepare
from mmser.cache.fingerprint import Recipe, check_same
from mmser.cache.growing import GrowingTable
from mmser.cache.index import OK, is_current, open_index
from mmser.cache.info import read_info
from mmser.cache.layout import (
    INDEX,
    INFO,
    LOCK,
    TEMPORARY,
    is_shard,
    part_name,
    parts_of,
    shard_name,
)
from mmser.cache.lock import locked
from mmser.cache.rows import Row
from mmser.cache.shard import Shard
from mmser.cache.shard_file import write_arrays
from mmser.core.errors import MmserError

SHARD_BYTES = 256 * 1024 * 1024


class _Merge(NamedTuple):
    """Parts on their way into a shard, and how many rows of the index they are."""

    number: int
    parts: list[Path]
    rows: int
    checksum: Future[str]


class Writer:
    """The one writer of a store; make it with `open_writer`, which holds the lock."""

    def __init__(self, directory: Path, recipe: Recipe, shard_bytes: int = SHARD_BYTES) -> None:
        self.directory = directory
        self.recipe = recipe
        self.shard_bytes = shard_bytes
        self._parts: list[Path] = []
        self._pending_bytes = 0
        self._with_values: str | None = None
        self._merge: _Merge | None = None
        directory.mkdir(parents=True, exist_ok=True)
        check_same(recipe, directory / INFO)
        self._index = open_index(directory / INDEX)
        self._recover()
        if not (directory / INFO).exists():
            self._write_info(complete=False)

    def is_stored(self, identifier: str, digest: str, retry_failed: bool = False) -> bool:
        """Whether this utterance is there, made from the same content.

        ``retry_failed`` counts failures as absent.
        """
        return is_current(self._index, identifier, digest, retry_failed)

    def add(self, entries: Sequence[Entry]) -> list[Row]:
        """Store entries durably, in order, and return their rows.

        An entry for a stored utterance replaces it.
        """
        if not entries:
            return []
        rows, tensors = [], {}
        dimension = self.dimension
        for entry in entries:
            row, arrays = prepare(entry, self.recipe.dtype, dimension)
            dimension = row["dimension"] if row["status"] == OK else dimension
            tensors.update(arrays)
            rows.append(row)
        if self._info().get("complete"):
            self._write_info(complete=False)
        self._write_part(rows, tensors)
        if self._is_full:
            self._begin_commit()
        return rows

    def finish(self) -> None:
        """Write what is left as the last shard and mark the store complete."""
        if self._parts:
            self._begin_commit()
        self._end_commit()
        self._index.close()
        if not self._info().get("complete"):
            self._write_info(complete=True)

    def close(self) -> None:
        """Bring the shard that is under way to its end, unless that has failed already."""
        if self._merge is not None and self._merge.checksum.exception() is None:
            self._end_commit()

    @property
    def rows(self) -> GrowingTable:
        """Each utterance already stored (in a shard, in a part, or failed) with its index row."""
        return self._index

    @property
    def dimension(self) -> str | None:
        """Feature shape of the stored utterances as text, None while there is none."""
        known = self._with_values
        row = None if known is None else self.rows[known]
        if row is None or row["status"] != OK:
            row = next((row for row in self.rows.values() if row["status"] == OK), None)
            self._with_values = None if row is None else row["id"]
        return None if row is None else str(row["dimension"])

    def _info(self) -> dict[str, Any]:
        return read_info(self.directory)

    def _write_info(self, complete: bool) -> None:
        state: dict[str, Any] = {"feature_shape": None, "ok": None, "failed": None}
        if complete:
            dimension, done = self.dimension, self._index.count("status", OK)
            sizes = None if dimension is None else dimension.split("x")
            shape = None if sizes is None else [int(size) for size in sizes if size]
            state = {"feature_shape": shape, "ok": done, "failed": len(self.rows) - done}
        write_json(self.directory / INFO, self.recipe.info() | state | {"complete": complete})

    def _recover(self) -> None:
        """Resume from what an earlier process left: committed rows and whole parts."""
        self._commit_number = 1 + self._index.largest("commit", -1)
        for leftover in self.directory.glob(f"*{TEMPORARY}"):
            leftover.unlink()
        # A shard that the index does not know was being committed when its process ended: it is
        # made again, since its parts are still there.
        for path in self.directory.glob("shard-*.safetensors"):
            if is_shard(path.name) and int(path.stem.split("-")[1]) >= self._commit_number:
                path.unlink()
        for commit, _, path in parts_of(self.directory):
            if commit == self._commit_number + 1 and self._is_full:
                # Of the next shard, begun while the one before was put together.
                self._begin_commit()
                self._end_commit()
            if commit == self._commit_number:
                self._take(path, _part_rows(path))
            else:
                path.unlink()
        if self._is_full:
            self._begin_commit()
            self._end_commit()

    def _write_part(self, rows: list[Row], tensors: dict[str, np.ndarray]) -> None:
        path = self.directory / part_name(self._commit_number, len(self._parts))
        write_arrays(path, tensors, {"rows": json.dumps(rows)}, digested=False)
        self._take(path, rows)

    def _take(self, path: Path, rows: list[Row]) -> None:
        self._parts.append(path)
        self._pending_bytes += path.stat().st_size
        self._index.put(rows)

    @property
    def _is_full(self) -> bool:
        return self._pending_bytes >= self.shard_bytes

    def _begin_commit(self) -> None:
        """Parts -> one shard, beside what follows."""
        self._end_commit()
        number, parts = self._commit_number, self._parts
        merging = ThreadPoolExecutor(1, thread_name_prefix="shard")
        checksum = merging.submit(_merged, parts, self.directory / shard_name(number))
        merging.shutdown(wait=False)
        self._merge = _Merge(number, parts, len(self._index.unsaved), checksum)
        self._parts, self._pending_bytes = [], 0
        self._commit_number += 1

    def _end_commit(self) -> None:
        """Shard -> index -> parts removed; `_recover` resumes after any of these."""
        if self._merge is None:
            return
        number, parts, count, shard = self._merge
        checksum = shard.result()
        for row in self._index.unsaved[:count]:
            row["commit"] = number
            if row["status"] == OK:
                row |= {"shard": shard_name(number), "checksum": checksum}
        self._index.save(count)
        self._merge = None
        for path in parts:
            path.unlink()


def _merged(parts: Sequence[Path], path: Path) -> str:
    """Write the arrays of all parts as one shard; its checksum, "" where there are none."""
    tensors: dict[str, np.ndarray] = {}
    for part in parts:
        shard = Shard(part)
        tensors |= {key: shard.read(key) for key in _keys(part)}
    return write_arrays(path, tensors) if tensors else ""


def _keys(path: Path) -> list[str]:
    with safe_open(str(path), framework="numpy") as part:
        return list(part.keys())


def _part_rows(path: Path) -> list[Row]:
    try:
        with safe_open(str(path), framework="numpy") as part:
            rows: list[Row] = json.loads(part.metadata()["rows"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise MmserError(
            f"a whole part at {path}", str(error), "Delete this file and repeat the command."
        ) from error
    return rows


@contextmanager
def open_writer(
    directory: Path,
    recipe: Recipe,
    shard_bytes: int = SHARD_BYTES,
    wait: bool = True,
    say: Callable[[str], None] | None = None,
) -> Iterator[Writer]:
    """The store's only `Writer`, for the block.

    Raises MmserError when another process writes it and ``wait`` is false.
    """
    with (
        locked(directory.with_name(directory.name + LOCK), wait=wait, say=say),
        no_empty_store(directory),
    ):
        writer = Writer(directory, recipe, shard_bytes)
        try:
            yield writer
        finally:
            writer.close()

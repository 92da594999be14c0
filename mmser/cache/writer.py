"""Filling a store: parts as they come, shards of a fixed size, an index.

Each `Writer.add` becomes a part, which is held in memory for some seconds and then written as a
file. When the parts reach the shard size they are put together as one shard, its rows become a
piece of the index, and files of parts are removed; further parts come meanwhile. So values that
come fast are written once. Every step is a rename, so that the disk always holds the state after
some whole step: a process that is killed at any point loses at most the step it was in and what
came within `HELD_SECONDS` or while a shard was written, and the next one resumes there. No step
costs more in a large store than in a small one. The pieces of the index are put together when the
store is finished, or opened to be filled. The bytes of a finished store depend on the sequence of
entries alone, never on time or on interruptions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

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
from mmser.cache.part import Part, write_shard
from mmser.cache.rows import Row

SHARD_BYTES = 256 * 1024 * 1024

HELD_SECONDS = 5.0
"""How long what is added may be in memory alone: the next step after that puts it on the disk."""


class _Merge(NamedTuple):
    """Parts on their way into a shard, and how many rows of the index they are."""

    number: int
    parts: list[Part]
    rows: int
    checksum: Future[str]


class Writer:
    """The one writer of a store; make it with `open_writer`, which holds the lock."""

    def __init__(self, directory: Path, recipe: Recipe, shard_bytes: int = SHARD_BYTES) -> None:
        self.directory = directory
        self.recipe = recipe
        self.shard_bytes = shard_bytes
        self._parts: list[Part] = []
        self._pending_bytes = 0
        self._written_at = time.monotonic()
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
        """Store entries, in order, and return their rows.

        An entry for a stored utterance replaces it. Their arrays must not be changed afterwards.
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
        if self._merge is not None and self._merge.checksum.done():
            self._end_commit()
        path = self.directory / part_name(self._commit_number, len(self._parts))
        self._take(Part(path, tensors, rows), rows)
        if time.monotonic() >= self._written_at + HELD_SECONDS and not self._follows_held:
            self._write_parts()
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
        """Bring the shard that is under way to its end, unless that has failed, and write parts."""
        if self._merge is None or self._merge.checksum.exception() is None:
            self._end_commit()
            self._write_parts()

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
                self._take(*Part.on_disk(path))
            else:
                path.unlink()
        if self._is_full:
            self._begin_commit()
            self._end_commit()

    def _take(self, part: Part, rows: list[Row]) -> None:
        self._parts.append(part)
        self._pending_bytes += part.bytes
        self._index.put(rows)

    @property
    def _follows_held(self) -> bool:
        """Whether a shard with values that are in memory alone is under way.

        Without it what follows would be of no use, as results are resumed in their order.
        """
        return self._merge is not None and any(part.is_held for part in self._merge.parts)

    def _write_parts(self) -> None:
        """Put on the disk what is in memory alone."""
        for part in self._parts:
            part.write()
        self._written_at = time.monotonic()

    @property
    def _is_full(self) -> bool:
        return self._pending_bytes >= self.shard_bytes

    def _begin_commit(self) -> None:
        """Parts -> one shard, beside what follows."""
        self._end_commit()
        number, parts = self._commit_number, self._parts
        merging = ThreadPoolExecutor(1, thread_name_prefix="shard")
        checksum = merging.submit(write_shard, parts, self.directory / shard_name(number))
        merging.shutdown(wait=False)
        self._merge = _Merge(number, parts, len(self._index.unsaved), checksum)
        self._parts, self._pending_bytes = [], 0
        self._written_at = time.monotonic()
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
        for part in parts:
            part.remove()


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

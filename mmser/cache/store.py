"""Reading a store: memory-mapped shards, opened once per process.

A `Store` may be handed to forked or spawned workers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError

from mmser.cache.checked import Stamp, adopt, check_file, checked_files, unchecked_bytes
from mmser.cache.entry import dimension_text, span_key
from mmser.cache.find import find_store
from mmser.cache.index import OK, as_table, read_columns
from mmser.cache.info import read_info
from mmser.cache.layout import INDEX, INFO, inside
from mmser.cache.remedy import rebuild
from mmser.cache.shard import Shard
from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Store", "find_store"]


class Store:
    """One cache directory. Nothing is opened before the first `read`.

    A shard is read through against its checksum when it is first opened (once in a process and
    those it starts: see `mmser.cache.checked`), then mapped.

    ``info`` holds extractor, class, parameters, fingerprint, feature_shape, dtype, random_weights,
    transcript and complete. Membership (``id in store``) means: has values; a failed utterance has
    a row in ``index`` only.
    """

    def __init__(self, directory: str | Path) -> None:
        """Raises MmserError when the folder is no cache directory or its index is damaged."""
        self.directory = Path(directory)
        for name in (INFO, INDEX):
            if not (self.directory / name).is_file():
                raise MmserError(
                    "a cache directory",
                    f"no {name} in {self.directory}",
                    "Run the `mmser preprocess` command that makes it (again).",
                )
        self.info: dict[str, Any] = read_info(self.directory)
        self._rows = read_columns(self.directory / INDEX)
        self._shards: dict[str, Shard] = {}
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_shards": {}, "_checked": checked_files()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        checked: dict[str, Stamp] = state.pop("_checked")
        adopt(checked)
        self.__dict__.update(state)

    def __contains__(self, identifier: object) -> bool:
        place = self._rows.find(identifier) if isinstance(identifier, str) else None
        return place is not None and self._rows.cells(place, ("status",)) == [OK]

    def knows(self, identifier: str) -> bool:
        """Whether the utterance has a row, done or failed."""
        return self._rows.find(identifier) is not None

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Store({str(self.directory)!r})"

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per utterance, done or failed, with the columns of `mmser.cache.index`."""
        return as_table(self._rows)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Utterances that have values, in stored order."""
        import pyarrow.compute as pc

        return tuple(
            self._rows.table["id"].filter(pc.equal(self._rows.table["status"], OK)).to_pylist()
        )

    def read(self, identifier: str) -> np.ndarray:
        """Values (time, *feature) in the stored dtype: a read-only view of the mapped shard.

        Raises MmserError when the utterance failed or is unknown, or when the shard is missing or
        damaged.
        """
        facts = ("shard", "checksum", "key", "length", "dimension")
        shard, checksum, key, length, dimension = self._facts(identifier, facts)
        values = self._tensor(shard, checksum, key)
        if len(values) != length or dimension_text(values.shape[1:]) != dimension:
            raise MmserError(
                f"{length} rows of {dimension} for {identifier}",
                f"shape {values.shape} in {self.directory / shard}",
                rebuild(self.directory),
            )
        return values

    def spans(self, identifier: str) -> np.ndarray | None:
        """(time, 2) float32 start and end seconds of each row, None where rows have no spans."""
        facts = ("shard", "checksum", "spans")
        shard, checksum, has_spans = self._facts(identifier, facts)
        return self._tensor(shard, checksum, span_key(identifier)) if has_spans else None

    def frame_rate(self, identifier: str) -> float | None:
        """Rows per second, None where rows are not evenly spaced in time."""
        rate: float | None
        (rate,) = self._facts(identifier, ("frame_rate",))
        return rate

    def length(self, identifier: str) -> int:
        """Number of rows in time, without reading values."""
        length: int
        (length,) = self._facts(identifier, ("length",))
        return length

    def lengths(self, identifiers: Iterable[str]) -> np.ndarray:
        """(row,) the same of many utterances; 0 for one that has no values."""
        import pyarrow.compute as pc

        # Place 0 is that of unknown ids.
        places = np.fromiter((self._rows.find(one) for one in identifiers), float) + 1
        places = np.nan_to_num(places).astype(np.int64)
        table = self._rows.table
        has_values = pc.equal(table["status"], OK).to_numpy()
        lengths = np.where(has_values, table["length"].to_numpy(), 0)
        return np.concatenate([[0], lengths])[places]

    def unchecked_bytes(self) -> int:
        """Bytes of files that `check` would read through."""
        return unchecked_bytes(self._files(self.ids))

    def check(self, identifiers: Iterable[str] | None = None) -> None:
        """Verify the shards that hold these utterances (default: all), unless this process has.

        Raises MmserError when one is missing or damaged.
        """
        for path, checksum in self._files(self.ids if identifiers is None else identifiers):
            check_file(path, checksum)

    def _files(self, identifiers: Iterable[str]) -> list[tuple[Path, str]]:
        """(path, checksum) of the shards that hold these utterances.

        Raises MmserError when one is missing.
        """
        stored = [identifier for identifier in identifiers if identifier in self]
        rows = self._rows.distinct(stored, ["shard", "checksum"])
        shards = {row["shard"]: row["checksum"] for row in rows}
        files = [
            (inside(self.directory, shard), checksum) for shard, checksum in sorted(shards.items())
        ]
        for path, _ in files:
            if not path.is_file():
                raise MmserError(f"the shard {path}", "no such file", rebuild(self.directory))
        return files

    def _facts(self, identifier: str, columns: tuple[str, ...]) -> list[Any]:
        """Cells of an utterance's row; raises MmserError where it failed or is unknown."""
        place = self._rows.find(identifier)
        if place is None:
            raise MmserError(
                f"utterance {identifier} in {self.directory}",
                "no such row",
                "Preprocess that corpus again.",
            )
        status, *cells = self._rows.cells(place, ("status", *columns))
        if status != OK:
            row = self._rows[identifier]
            raise MmserError(
                f"values of {identifier} in {self.directory}",
                f"it failed: {row['error']} {row['detail']}".strip(),
                "Leave it out, or repair the media.",
            )
        return cells

    def _tensor(self, shard: str, checksum: str, key: str) -> np.ndarray:
        if self._process != os.getpid():  # a fork: mappings are opened anew in each process
            self._shards, self._process = {}, os.getpid()
        try:
            if shard not in self._shards:
                path = inside(self.directory, shard)
                check_file(path, checksum)
                self._shards[shard] = Shard(path)
            return self._shards[shard].read(key)
        except (SafetensorError, OSError, KeyError) as error:
            raise MmserError(
                f"{key} in {self.directory / shard}",
                str(error) or type(error).__name__,
                rebuild(self.directory),
            ) from error

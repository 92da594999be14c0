"""Rows by id of a table that grows, in memory and on the disk.

What a step costs does not depend on what is there already: its rows become one piece of the table
(`mmser.cache.pieces`), and the pieces are put together at the end or when the table is opened.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.atomic import written_aside
from mmser.cache.columns import Columns
from mmser.cache.pieces import latest, piece_path, pieces_of
from mmser.cache.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa


class GrowingTable(Mapping[str, Row]):
    """Row by id; one that is put again moves to the end. The store's lock must be held."""

    def __init__(self, path: Path, schema: pa.Schema, stored: pa.Table) -> None:
        """``stored``: what lies at ``path``, its pieces included; no rows where there is none."""
        self._path = path
        self._schema = schema
        self._stored = Columns(stored)
        pieces = pieces_of(path)
        if pieces:
            self._replace(stored, pieces)
        # Numbers of the rows that were put since: those of the pieces, then those to be saved.
        self._places: dict[str, int] = {}
        self._again = 0
        self._pieces: list[pa.Table] = []
        self._starts = [0]
        self._unsaved: list[Row] = []

    def __getitem__(self, identifier: str) -> Row:
        place = self._places.get(identifier)
        if place is None:
            return self._stored[identifier]
        if place >= self._starts[-1]:
            return self._unsaved[place - self._starts[-1]]
        piece = bisect_right(self._starts, place) - 1
        rows: list[Row] = self._pieces[piece].slice(place - self._starts[piece], 1).to_pylist()
        return rows[0]

    def __iter__(self) -> Iterator[str]:
        old = (identifier for identifier in self._stored if identifier not in self._places)
        return chain(old, self._places)

    def __len__(self) -> int:
        return len(self._stored) + len(self._places) - self._again

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._places or identifier in self._stored

    def has(self, column: str) -> bool:
        """Whether rows have such a cell."""
        return column in self._schema.names

    def facts(self, identifier: str, columns: Sequence[str]) -> list[Any] | None:
        """Some cells of a row, None where there is no such row."""
        if identifier in self._places:
            row = self[identifier]
            return [row[column] for column in columns]
        place = self._stored.find(identifier)
        return None if place is None else self._stored.cells(place, columns)

    def take(self, identifiers: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """Some columns of the rows of these ids, in their order."""
        import pyarrow as pa

        if not self._places:
            return self._stored.take(identifiers, columns)
        rows = [self[identifier] for identifier in identifiers]
        return pa.Table.from_pylist(rows, schema=self._schema).select(list(columns))

    @property
    def unsaved(self) -> list[Row]:
        """Rows that were put since the last `save`; they may still be changed."""
        return self._unsaved

    def put(self, rows: Iterable[Row]) -> None:
        """Add rows; they are on the disk after the next `save`."""
        for row in rows:
            identifier = row["id"]
            if self._places.pop(identifier, None) is None:
                self._again += identifier in self._stored
            self._places[identifier] = self._starts[-1] + len(self._unsaved)
            self._unsaved.append(row)

    def save(self, count: int | None = None) -> None:
        """Write the first ``count`` of the rows since the last time, or all of them.

        They become the table where there is none, else a piece of it.
        """
        import pyarrow as pa

        begin = self._starts[-1]
        now, later = self._unsaved[:count], self._unsaved[len(self._unsaved[:count]) :]
        rows = self._current(now, begin)
        piece = pa.Table.from_pylist(rows, schema=self._schema)
        number = len(self._pieces)
        write_table(piece_path(self._path, number) if self._path.exists() else self._path, piece)
        later = self._current(later, begin + len(now))
        for place, row in enumerate(chain(rows, later), begin):
            self._places[row["id"]] = place
        self._pieces.append(piece)
        self._starts.append(begin + len(rows))
        self._unsaved = later

    def _current(self, rows: list[Row], begin: int) -> list[Row]:
        """Those, numbered from ``begin``, that were not put again."""
        return [row for place, row in enumerate(rows, begin) if self._places[row["id"]] == place]

    def count(self, column: str, value: str) -> int:
        """Rows with that value. All rows must be in the table: see `close`."""
        import pyarrow.compute as pc

        return int(pc.sum(pc.equal(self._stored.table[column], value)).as_py() or 0)

    def largest(self, column: str, default: int) -> int:
        """The largest value of a column of the table as it was opened, or closed."""
        import pyarrow.compute as pc

        value = pc.max(self._stored.table[column]).as_py()
        return default if value is None else int(value)

    def close(self) -> None:
        """Put table and pieces together, on the disk and in memory; all rows must be saved."""
        import pyarrow as pa

        if self._pieces:
            old = self._stored.table.cast(self._schema)
            whole = latest(pa.concat_tables([old, *self._pieces]).combine_chunks())
            self._stored, self._places, self._again = Columns(whole), {}, 0
            self._pieces, self._starts = [], [0]
        pieces = pieces_of(self._path)
        if pieces or not self._path.exists():
            self._replace(self._stored.table, pieces)

    def _replace(self, table: pa.Table, pieces: list[Path]) -> None:
        write_table(self._path, table.cast(self._schema))
        for piece in pieces:
            piece.unlink()


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table whole or not at all; pages carry checksums."""
    import pyarrow.parquet as pq

    with written_aside(path) as aside:
        pq.write_table(table, aside, write_page_checksum=True)

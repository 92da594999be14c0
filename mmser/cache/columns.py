"""Rows of a table by id, kept as columns: a row is made when it is asked for.

A million rows as dictionaries take 2 GiB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.cache.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa


KEPT = 65_536
"""Rows that are kept once made: a store of fewer is read as fast as dictionaries."""


class Columns(Mapping[str, Row]):
    """Row by id; of two rows with one id the later one counts, in the place of the first."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        ids = self._table["id"].to_pylist()
        self._places = dict(zip(ids, range(len(ids)), strict=True))
        columns = zip(table.column_names, self._table.itercolumns(), strict=True)
        self._cells = {name: _cells(column) for name, column in columns if ids}
        self._made: dict[str, Row] = {}

    def __reduce__(self) -> tuple[type[Columns], tuple[pa.Table]]:
        return Columns, (self._table,)

    def __getitem__(self, identifier: str) -> Row:
        made = self._made.get(identifier)
        if made is None:
            place = self._places[identifier]
            made = {name: cell(place) for name, cell in self._cells.items()}
            if len(self._made) < KEPT:
                self._made[identifier] = made
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._places

    @property
    def table(self) -> pa.Table:
        """All rows, in their order."""
        if len(self) == self._table.num_rows:
            return self._table
        return self._table.take(np.fromiter(self._places.values(), np.int64, len(self)))

    def value(self, identifier: str, column: str) -> Any:
        """One cell. Raises KeyError for an unknown id."""
        return self._cells[column](self._places[identifier])

    def distinct(self, identifiers: Iterable[str], columns: list[str]) -> list[Row]:
        """The different combinations of values of some rows in some columns."""
        places = np.fromiter((self._places[one] for one in identifiers), np.int64)
        rows: list[Row] = (
            self._table.select(columns).take(places).group_by(columns).aggregate([]).to_pylist()
        )
        return rows


def _cells(chunked: pa.ChunkedArray) -> Callable[[int], Any]:
    """From a row's number to its cell, by NumPy where that is the same and faster."""
    import pyarrow as pa

    column = chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()
    if column.null_count == 0 and pa.types.is_dictionary(column.type):
        codes, words = column.indices.to_numpy(), column.dictionary.to_pylist()
        return lambda place: words[codes[place]]
    if column.null_count == 0 and pa.types.is_primitive(column.type):
        # Booleans are packed bits, which NumPy copies.
        return column.to_numpy(zero_copy_only=False).item
    return lambda place: column[place].as_py()

"""Rows of a table by id, kept as columns: a row is made when it is asked for.

A million rows as dictionaries take 2 GiB. Here no row and no id is an object of Python: processes
that are forked share the columns, since nothing counts references to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.cache.ids import Ids, joined
from mmser.cache.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa

_TOGETHER = 10_000
"""Ids that are made at once where all are gone through."""


class Columns(Mapping[str, Row]):
    """Row by id; of two rows with one id the later one counts, in the place of the first."""

    def __init__(self, table: pa.Table) -> None:
        self._ids = Ids(joined(table["id"]))
        if self._ids.repeated:
            table = table.take(_places(table["id"].to_pylist()))
            self._ids = Ids(joined(table["id"]))
        self.table = table
        """All rows, in their order."""
        columns = zip(table.column_names, table.itercolumns(), strict=True)
        self._cells = {name: _cells(joined(column)) for name, column in columns}

    def __reduce__(self) -> tuple[type[Columns], tuple[pa.Table]]:
        return Columns, (self.table,)

    def __getitem__(self, identifier: str) -> Row:
        place = self._ids.place(identifier)
        return {name: cell(place) for name, cell in self._cells.items()}

    def __iter__(self) -> Iterator[str]:
        ids = self.table["id"]
        for at in range(0, len(ids), _TOGETHER):
            yield from ids.slice(at, _TOGETHER).to_pylist()

    def __len__(self) -> int:
        return self.table.num_rows

    def __contains__(self, identifier: object) -> bool:
        return isinstance(identifier, str) and self._ids.find(identifier) is not None

    def find(self, identifier: str) -> int | None:
        """The number of the row of an id, None where it has none."""
        return self._ids.find(identifier)

    def cells(self, place: int, columns: Iterable[str]) -> list[Any]:
        """Some cells of the row of that number."""
        return [self._cells[column](place) for column in columns]

    def take(self, identifiers: Iterable[str], columns: Sequence[str]) -> pa.Table:
        """Some columns of the rows of these ids, in their order."""
        places = np.fromiter((self._ids.place(one) for one in identifiers), np.int64)
        return self.table.select(list(columns)).take(places)

    def distinct(self, identifiers: Iterable[str], columns: list[str]) -> list[Row]:
        """The different combinations of values of some rows in some columns."""
        rows: list[Row] = (
            self.take(identifiers, columns).group_by(columns).aggregate([]).to_pylist()
        )
        return rows


def _places(ids: list[str]) -> np.ndarray:
    """Of each id the last row, in the order of the first ones."""
    last = dict(zip(ids, range(len(ids)), strict=True))
    return np.fromiter(last.values(), np.int64, len(last))


def _cells(column: pa.Array) -> Callable[[int], Any]:
    """From a row's number to its cell, by NumPy where that is the same and faster."""
    import pyarrow as pa

    if column.null_count == 0 and pa.types.is_dictionary(column.type):
        code, words = column.indices.to_numpy().item, column.dictionary.to_pylist()
        return lambda place: words[code(place)]
    if column.null_count == 0 and pa.types.is_primitive(column.type):
        # Booleans are packed bits, which NumPy copies.
        return column.to_numpy(zero_copy_only=False).item
    return lambda place: column[place].as_py()

"""The index table of a store: one row per utterance, done or failed.

The same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cache.columns import Columns
from mmser.cache.growing import GrowingTable, write_table
from mmser.cache.pieces import read_whole
from mmser.cache.remedy import rebuild
from mmser.cache.rows import Row, read_table
from mmser.core.tables import INDEX_COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

OK = "ok"
FAILED = "failed"
EXTRA_COLUMNS = ("spans", "notes", "digest", "commit", "checksum")
"""``spans``: rows have time spans; ``digest``: of the content (media, or words) the values were
made from; ``commit``: number of the shard a row was written with, failed ones too; ``checksum``:
SHA-256 of that shard's file."""

COLUMNS = (*INDEX_COLUMNS, *EXTRA_COLUMNS)
_INTEGERS = ("length", "commit")
_REPEATED = ("shard", "dimension", "status", "error", "detail", "notes", "checksum")
_MAY_LACK = ("frame_rate", "error", "detail", "notes")


def is_current(rows: GrowingTable, identifier: str, digest: str, retry_failed: bool) -> bool:
    """Whether the row of an utterance was made from the content of that digest.

    ``retry_failed`` counts failures as absent.
    """
    facts = rows.facts(identifier, ("digest", "status"))
    if facts is None or facts[0] != digest:
        return False
    return bool(facts[1] == OK or not retry_failed)


def write_index(path: Path, rows: list[Row]) -> None:
    """Write the rows, in their order, whole or not at all; pages carry checksums."""
    import pyarrow as pa

    write_table(path, pa.Table.from_pylist(rows, schema=schema()))


def read_rows(path: Path) -> list[Row]:
    """The rows of an index, with the pieces that an unfinished store has beside it.

    Raises MmserError when a file is damaged, lacks a column, or holds other types.
    """
    rows: list[Row] = read_whole(path, _read).to_pylist()
    return rows


def read_index(path: Path) -> pa.Table:
    """The same rows as a table; texts that come again and again are kept once each."""
    return read_whole(path, partial(_read, repeated=_REPEATED))


def read_columns(path: Path) -> Columns:
    """The same rows by id, as columns. Raises as `read_rows`."""
    return Columns(read_index(path))


def open_index(path: Path) -> GrowingTable:
    """The index of a store that is filled. Raises as `read_rows`."""
    stored = read_index(path) if path.exists() else schema().empty_table()
    return GrowingTable(path, schema(), stored)


def _read(path: Path, repeated: Sequence[str] = ()) -> pa.Table:
    remedy = rebuild(path.parent)
    return read_table(path, schema(), "a readable index", remedy, _MAY_LACK, repeated)


def as_table(rows: list[Row] | Columns) -> pd.DataFrame:
    """The rows as a table; an unknown frame rate is NaN."""
    import pandas as pd

    if isinstance(rows, Columns):
        table = rows.table.cast(schema()).to_pandas()
    else:
        table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(
        {"frame_rate": "float64", "length": "int64", "commit": "int64", "spans": "bool"}
    )


def schema() -> pa.Schema:
    """The columns of an index and their types."""
    import pyarrow as pa

    types = dict.fromkeys(_INTEGERS, pa.int64()) | {"frame_rate": pa.float64(), "spans": pa.bool_()}
    return pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])

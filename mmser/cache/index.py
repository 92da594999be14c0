"""The index table of a store: one row per utterance, done or failed.

The same rows give the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.atomic import written_aside
from mmser.cache.columns import Columns
from mmser.cache.remedy import rebuild
from mmser.cache.rows import Row, read_table, read_table_rows
from mmser.core.tables import INDEX_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

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


def is_current(row: Row | None, digest: str, retry_failed: bool) -> bool:
    """Whether a row was made from the content of that digest.

    ``retry_failed`` counts failures as absent.
    """
    if row is None or row["digest"] != digest:
        return False
    return row["status"] == OK or not retry_failed


def write_index(path: Path, rows: list[Row]) -> None:
    """Write the rows, in their order, whole or not at all; pages carry checksums."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(rows, schema=_schema())
    with written_aside(path) as aside:
        pq.write_table(table, aside, write_page_checksum=True)


def read_rows(path: Path) -> list[Row]:
    """The rows of an index.

    Raises MmserError when the file is damaged, lacks a column, or holds other types.
    """
    return read_table_rows(
        path, _schema(), "a readable index", rebuild(path.parent), empty=_MAY_LACK
    )


def read_columns(path: Path) -> Columns:
    """The same rows by id, as columns. Raises as `read_rows`."""
    table = read_table(
        path, _schema(), "a readable index", rebuild(path.parent), _MAY_LACK, _REPEATED
    )
    # Chunks and what they are joined to are not both kept.
    table = table.combine_chunks()
    return Columns(table)


def as_table(rows: list[Row] | Columns) -> pd.DataFrame:
    """The rows as a table; an unknown frame rate is NaN."""
    import pandas as pd

    if isinstance(rows, Columns):
        table = rows.table.cast(_schema()).to_pandas()
    else:
        table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(
        {"frame_rate": "float64", "length": "int64", "commit": "int64", "spans": "bool"}
    )


def _schema() -> Any:
    import pyarrow as pa

    types = dict.fromkeys(_INTEGERS, pa.int64()) | {"frame_rate": pa.float64(), "spans": pa.bool_()}
    return pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])

"""The index table of a store: one row per utterance, done or failed; the same rows give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.atomic import written_aside
from mmser.core.errors import MmserError
from mmser.core.tables import INDEX_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

OK = "ok"
FAILED = "failed"
EXTRA_COLUMNS = ("spans", "notes", "digest", "commit", "checksum")
"""``spans``: rows have time spans; ``digest``: of the content (media, or words) the values were made from; ``commit``:
number of the shard a row was written with, failed ones too; ``checksum``: SHA-256 of that shard's file."""

COLUMNS = (*INDEX_COLUMNS, *EXTRA_COLUMNS)
_INTEGERS = ("length", "commit")
Row = dict[str, Any]


def write_index(path: Path, rows: list[Row]) -> None:
    """Write the rows, in their order, whole or not at all; pages carry checksums."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, _arrow_type(name)) for name in COLUMNS])
    table = pa.Table.from_pylist(rows, schema=schema)
    with written_aside(path) as aside:
        pq.write_table(table, aside, write_page_checksum=True)


def read_rows(path: Path) -> list[Row]:
    """The rows of an index. Raises MmserError when the file is damaged or lacks a column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise MmserError(f"a readable index at {path}", str(error), "Build this cache again.") from error
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise MmserError(f"an index with {', '.join(COLUMNS)}", f"no {', '.join(missing)}", "Build this cache again.")
    rows: list[Row] = table.select(COLUMNS).to_pylist()
    return rows


def as_table(rows: list[Row]) -> pd.DataFrame:
    """The rows as a table; an unknown frame rate is NaN."""
    import pandas as pd

    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"frame_rate": "float64", "length": "int64", "commit": "int64", "spans": "bool"})


def _arrow_type(name: str) -> Any:
    import pyarrow as pa

    if name in _INTEGERS:
        return pa.int64()
    return {"frame_rate": pa.float64(), "spans": pa.bool_()}.get(name, pa.string())

"""Tables of the cache, read with their checksums and types checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


def read_table_rows(
    path: Path, schema: pa.Schema, what: str, remedy: str, empty: Sequence[str] = ()
) -> list[Row]:
    """The rows of a parquet file as ``schema`` describes them.

    Only the columns ``empty`` may lack a value. Raises MmserError when the file is damaged, lacks a
    column, or holds other types.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    expected = f"{what} at {path}"
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        missing = [name for name in schema.names if name not in table.column_names]
        if missing:
            raise MmserError(expected, f"no {', '.join(missing)}", remedy)
        table = table.select(schema.names).cast(schema)
        without = [name for name in schema.names if name not in empty and table[name].null_count]
        rows: list[Row] = table.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MmserError(
            expected, str(error).splitlines()[0] or type(error).__name__, remedy
        ) from error
    if without:
        raise MmserError(expected, f"rows without {', '.join(without)}", remedy)
    return rows


def row_count(path: Path) -> int | None:
    """Rows of a parquet file by its footer alone; None when it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError, ValueError):
        return None

"""Tables of the cache, read with their checksums and types checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


def read_table(
    path: Path,
    schema: pa.Schema,
    what: str,
    remedy: str,
    empty: Sequence[str] = (),
    repeated: Sequence[str] = (),
) -> pa.Table:
    """A parquet file as ``schema`` describes it.

    Only the columns ``empty`` may lack a value; texts of the columns ``repeated`` are kept once
    each, as a dictionary array. Raises MmserError when the file is damaged, lacks a
    column, or holds other types.
    """
    import pyarrow as pa

    expected = f"{what} at {path}"
    try:
        table = _parquet(path, repeated)
        missing = [name for name in schema.names if name not in table.column_names]
        if missing:
            raise MmserError(expected, f"no {', '.join(missing)}", remedy)
        table = table.select(schema.names)
        types = [_kept(table.schema.field(field.name), field) for field in schema]
        table = table.cast(pa.schema(types))
        without = [name for name in schema.names if name not in empty and table[name].null_count]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MmserError(
            expected, str(error).splitlines()[0] or type(error).__name__, remedy
        ) from error
    if without:
        raise MmserError(expected, f"rows without {', '.join(without)}", remedy)
    return table


def _parquet(path: Path, repeated: Sequence[str]) -> pa.Table:
    import pyarrow.parquet as pq

    # Not `read_table`, which takes twice as long for a table of few rows.
    with pq.ParquetFile(
        path, page_checksum_verification=True, read_dictionary=list(repeated)
    ) as file:
        return file.read()


def _kept(found: pa.Field, wanted: pa.Field) -> pa.Field:
    """``wanted``, with texts that were read as a dictionary array left as one."""
    import pyarrow as pa

    is_kept = pa.types.is_dictionary(found.type) and found.type.value_type == wanted.type
    return wanted.with_type(found.type) if is_kept else wanted


def row_count(path: Path) -> int | None:
    """Rows of a parquet file by its footer alone; None when it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError, ValueError):
        return None

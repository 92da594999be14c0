"""The one reader of tables that people bring: csv, tsv, JSON lines and parquet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError, listed_faults
from mmser.core.tables import read_parquet
from mmser.core.text_file import read_text

if TYPE_CHECKING:
    import pandas as pd

PARQUET, JSON_LINES = ".parquet", ".jsonl"


def read_table_file(path: Path, remedy: str = "Write it anew.") -> pd.DataFrame:
    """The table by its ending; what is neither parquet nor JSON lines is read as csv.

    Cells of csv are text or None, those of the others what the file says. Raises MmserError for a
    file that is no such table, ending in ``remedy`` where no more is known.
    """
    suffix = path.suffix.lower()
    if suffix == PARQUET:
        return read_parquet(path, remedy)
    return _read_json_lines(path) if suffix == JSON_LINES else read_csv_file(path)


def read_text_table(path: Path) -> pd.DataFrame:
    """The same with every cell as text or None, whatever the file."""
    table = read_table_file(path)
    return as_text(table) if path.suffix.lower() in (PARQUET, JSON_LINES) else table


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers, lists and so on of a typed table as the text a csv would have."""
    import pandas as pd

    # By place: two columns may have one name.
    cells = [table.iloc[:, place] for place in range(table.shape[1])]
    columns = [list(map(_cell_text, column)) for column in cells]
    return pd.DataFrame(list(zip(*columns, strict=True)), columns=table.columns, dtype=object)


def _read_json_lines(path: Path) -> pd.DataFrame:
    """One object per line, its keys the columns; empty lines are no content."""
    import pandas as pd

    rows, faults = [], []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
        else:
            faults.append(f"line {number}")
    if faults:
        raise listed_faults(f"a JSON object in every line of {path}", faults, "Write it anew.")
    if not rows:
        raise MmserError(f"rows in {path}", "an empty file", "Write one object per line.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    # Column by column, so that whole numbers beside an absent cell stay whole.
    cells = {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names}
    return pd.DataFrame(cells)


def _cell_text(cell: object) -> str | None:
    import pandas as pd

    plain = _plain(cell)
    if isinstance(plain, list | dict):
        return json.dumps(plain, default=_json_value)
    missing = plain is None or plain is pd.NA or plain is pd.NaT or plain != plain
    return None if missing else str(plain).strip() or None


def _json_value(inner: object) -> Any:
    """What JSON cannot hold, inside a list or an object of a cell."""
    plain = _plain(inner)
    return str(inner) if plain is inner else plain


def _plain(cell: object) -> object:
    """Arrays and numbers of NumPy as Python's own, anything else as it is."""
    return cell.tolist() if isinstance(cell, np.ndarray | np.generic) else cell

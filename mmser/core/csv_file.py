"""The one reader of csv files, whoever wrote them.

Every cell is text without outer spaces; an empty one is None.

The header names the columns. What would shift them is refused: a row with more or fewer cells
than the header, a quote that is never closed, a header that names a column twice. Empty cells at
the end of a row (a comma too many) and empty rows are no content; a column without a name (a saved
row number) is left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.errors import MmserError, listed_faults
from mmser.core.text_file import read_text

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t"
LONGEST_CELL = 2**30
"""Characters; the csv module's own limit cuts off the word times of a long recording."""


def read_csv_file(path: str | Path, fallback: str | None = None) -> pd.DataFrame:
    """A csv file with a header, its cells separated by commas, semicolons or tabs.

    The separator is the one that the header has most of.

    ``fallback`` is the encoding of bytes that are not UTF-8 (None: refused). Raises MmserError when
    the file is no text, has no header, or has rows that do not fit it.
    """
    return parse_csv(read_text(path, fallback), Path(path))


def parse_csv(text: str, source: Path) -> pd.DataFrame:
    """The same from the text of ``source``."""
    import pandas as pd

    rows = _rows(text, source)
    if not rows:
        raise MmserError(
            f"a header and rows in {source}",
            "an empty file",
            "Write the names of the columns first.",
        )
    (_, header), *body = rows
    while header and not header[-1]:
        header.pop()
    counts = Counter(name for name in header if name)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise MmserError(
            f"each column once in {source}", f"{', '.join(twice)} twice", "Rename or remove one."
        )
    faults = [
        f"line {line} has {len(cells)}" for line, cells in body if not _fit(cells, len(header))
    ]
    if faults:
        remedy = "Quote cells that hold the separator, and give every row all its cells."
        raise listed_faults(
            f"{len(header)} cells in every row of {source}, as in its header", faults, remedy
        )
    table = pd.DataFrame([cells for _, cells in body], columns=header, dtype=object)
    named = table.loc[:, [bool(name) for name in header]]
    return named.astype(object).replace("", None)


def separator_of(text: str) -> str:
    """The separator that the first line has most of, outside quotes; a comma where it has none."""
    header = text.lstrip().split("\n", 1)[0]
    return max(SEPARATORS, key=re.sub(r'"[^"]*"', "", header).count)


def _rows(text: str, source: Path) -> list[tuple[int, list[str]]]:
    """(line in the file, cells without outer spaces) of every row that is not empty."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator_of(text),
        skipinitialspace=True,
        strict=True,
    )
    rows = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as problem:
        raise MmserError(
            f"rows and closed quotes in {source}",
            f"{problem} in line {reader.line_num}",
            'Write a quote inside a cell as "".',
        ) from problem
    return rows


def _fit(cells: list[str], width: int) -> bool:
    """Cut the cells to the header's width where all beyond it are empty; whether they then fit."""
    if not any(cells[width:]):
        del cells[width:]
    return len(cells) == width

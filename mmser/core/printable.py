"""Text of anyone's making (names of classes, recordings, transcripts) where it could be taken for
more than text.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_HIDDEN = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: object) -> str:
    """``text``, or the path of a file, with what a terminal would obey written out; its lines stay.

    That is escape sequences, changes of direction, and bytes of a file's name that are no UTF-8.
    """
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), str(text))


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table for a csv that a spreadsheet may open: text that it would take for a formula begins
    with an apostrophe.

    Numbers stay numbers, and so does text that is one.
    """
    made = table.copy()
    for column in made.select_dtypes(exclude=["number", "bool"]).columns:
        made[column] = made[column].map(_guarded)
    return made.rename(columns={name: _guarded(name) for name in made.columns})


def printable_lines() -> logging.Handler:
    """A handler that writes the messages of a log to the error output, each made `printable`."""
    handler = logging.StreamHandler()
    handler.setFormatter(_PrintableFormatter("%(message)s"))
    return handler


class _PrintableFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _guarded(cell: object) -> object:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA) or _is_number(cell):
        return cell
    return f"'{cell}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

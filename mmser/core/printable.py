"""Text of any origin, made safe where it could be taken for more than text.

Such text is names of classes, recordings, transcripts.
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
    return _HIDDEN.sub(_escaped, str(text))


def is_utf8(name: str) -> bool:
    """Whether the name of a file can be written; one of other bytes cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table for a csv that a spreadsheet may open.

    Text that it would take for a formula begins with an apostrophe. Numbers stay numbers, and so
    does text that is one.
    """
    copy = table.copy()
    for column in copy.select_dtypes(exclude=["number", "bool"]).columns:
        copy[column] = copy[column].map(_guarded)
    return copy.rename(columns={name: _guarded(name) for name in copy.columns})


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

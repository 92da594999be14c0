"""What is printed: aligned columns, and nothing when nobody reads it any more."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

READER_GONE = 128 + signal.SIGPIPE
"""The exit code that shells know of a command whose reader has gone, as in ``| head``."""


def end_without_reader() -> int:
    """Send what is still printed to nowhere, and return the exit code.

    Otherwise Python's own flush at the end would fail on the closed pipe.
    """
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_GONE


def columns_text(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows of text in aligned columns under their names, without pandas."""
    if not rows:
        return "(none)"
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    header = {key: key for key in widths}
    lines = []
    for row in [header, *rows]:
        cells = [row[key].ljust(width) for key, width in widths.items()]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)

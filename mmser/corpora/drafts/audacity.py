"""Audacity's label track: lines of start, end (s) and label, separated by tabs, no header."""

from __future__ import annotations

import re
from pathlib import Path

from mmser.core.errors import UsageError, listed_faults
from mmser.core.text_file import read_text
from mmser.corpora.drafts.tiers import Annotated, rows_of_tiers

# Some languages of the program write a decimal comma.
LINE = re.compile(r"(?P<start>-?\d+(?:[.,]\d+)?)\t(?P<end>-?\d+(?:[.,]\d+)?)(?:\t(?P<label>.*))?")
HEAD = 4096


def is_audacity(path: Path) -> bool:
    """Whether a text file begins as a label track and not as a table with a header."""
    with path.open("rb") as file:
        head = file.read(HEAD).decode("utf-8-sig", errors="replace")
    return LINE.fullmatch(head.split("\n", 1)[0].rstrip("\r")) is not None


def read_audacity(path: Path, tier: str | None) -> list[Annotated]:
    """A line that begins with a backslash holds frequencies of the one above and is left out."""
    if tier is not None:
        raise UsageError("a TextGrid or .eaf for --tier", f"the labels {path}", "Leave it out.")
    marks, faults = [], []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            faults.append(f"line {number}")
            continue
        start, end = (float(match[name].replace(",", ".")) for name in ("start", "end"))
        marks.append((start, end, match["label"] or ""))
    if faults:
        raise listed_faults(
            f"start, end and label, separated by tabs, in every line of {path}",
            faults,
            "Export the labels again with Audacity.",
        )
    return [Annotated((), rows_of_tiers({"emotion": marks}, None, path))]

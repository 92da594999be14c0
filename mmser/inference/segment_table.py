"""A table of segments to judge: ``file``, ``start`` and ``end``.

Times are seconds; both empty: the whole file. Further columns are read where they are: ``text``
(what was said, instead of a recogniser) and ``face_side`` (``left`` or ``right``, where two people
share the picture).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from mmser.core.errors import MmserError
from mmser.core.table_file import read_text_table
from mmser.core.tables import require_columns
from mmser.core.utterance import FaceSide
from mmser.inference.segments import Segment

COLUMNS = ("file", "start", "end")


def read_segments(
    path: str | Path, recordings: Sequence[Path] = ()
) -> dict[Path, tuple[Segment, ...]]:
    """{recording: its segments in the table's order}, of ``recordings`` alone where there are any.

    A file is named relative to the table's folder or to this one, or, among ``recordings``, by its
    bare name. Raises MmserError naming the row (1 = first below the header) of the first fault, or
    a recording without a row.
    """
    table = Path(path)
    if not table.is_file():
        raise MmserError(
            "a table of segments (csv)", f"no file {table}", f"Write one with {', '.join(COLUMNS)}."
        )
    rows = read_text_table(table)
    require_columns(rows, COLUMNS, f"a table of segments {table}")
    by_file: dict[Path, list[Segment]] = {recording: [] for recording in recordings}
    for number, row in enumerate(rows.to_dict("records"), start=1):
        file = _file(row["file"], table, number, recordings)
        if not recordings or file in by_file:
            by_file.setdefault(file, []).append(segment_of(row, table, number))
    empty = [recording for recording, segments in by_file.items() if not segments]
    if empty or not by_file:
        owner = f"of {empty[0]} " if empty else ""
        raise MmserError(
            f"at least one segment {owner}in {table}", "none", "Add its row, or leave it out."
        )
    return {recording: tuple(segments) for recording, segments in by_file.items()}


def _file(name: Any, table: Path, number: int, recordings: Sequence[Path]) -> Path:
    if not name:
        raise _fault(table, number, "file", "a name", "an empty cell")
    places = [place for place in (table.parent / name, Path(name)) if place.is_file()]
    resolved = {place.resolve() for place in places}
    same = [recording for recording in recordings if recording.resolve() in resolved]
    named = [recording for recording in recordings if recording.name == name]
    if same or len(named) == 1:
        return (same or named)[0]
    return places[0] if places else table.parent / name


def segment_of(row: Mapping[Any, Any], table: Path, number: int) -> Segment:
    """The segment of a row; MmserError names the row and the column of a fault."""
    start, end = (_seconds(row[name], table, number, name) for name in ("start", "end"))
    side = row.get("face_side")
    if side not in (None, *get_args(FaceSide)):
        raise _fault(table, number, "face_side", " or ".join(get_args(FaceSide)), repr(side))
    if start is None and end is None:
        return Segment(0.0, math.inf, True, row.get("text"), side)
    if start is None or end is None:
        column = "start" if start is None else "end"
        raise _fault(table, number, column, "both start and end, or neither", "an empty cell")
    if not 0 <= start < end:
        raise _fault(table, number, "end", "0 <= start < end", f"start {start:g}, end {end:g}")
    return Segment(start, end, False, row.get("text"), side)


def _seconds(cell: Any, table: Path, number: int, column: str) -> float | None:
    if cell is None:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _fault(table, number, column, "seconds", repr(cell))
    return value


def _fault(table: Path, number: int, column: str, expected: str, found: str) -> MmserError:
    where = f"{expected} in row {number}, column {column} of {table.name}"
    return MmserError(where, found, "Correct the table.")

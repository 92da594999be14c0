"""Faults of a user's table: of each row, then repeated ids, spellings, contradicting labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.errors import listed_faults
from mmser.core.spelling import near_equal
from mmser.corpora.manifest import PATHS
from mmser.corpora.user_row import Row, UserRow

NAMES = ("speaker", "session", "dialogue", "gender", "emotion", "sentiment")
"""Columns whose words are compared with each other: one spelling each."""
LABELS = ("emotion", "sentiment", "valence", "arousal", "dominance")
SHOWN = 6
"""Row numbers that a fault names."""


def checked_rows(table: pd.DataFrame, path: Path) -> list[Row]:
    """The rows with numbers as numbers and paths absolute; ``path`` is where the table lies.

    Raises MmserError naming rows (1 = first below the header) and columns of all faults.
    """
    rows = [
        UserRow(row, number, path) for number, row in enumerate(table.to_dict("records"), start=1)
    ]
    checked = [row.checked() for row in rows]
    faults = [fault for row in rows for fault in row.faults]
    if not faults:  # rows can be compared once each is sound by itself
        faults = faults_between(checked)
    if faults:
        raise listed_faults(f"a table without faults in {path}", faults, "Correct the table.")
    return checked


def faults_between(rows: Sequence[Row]) -> list[str]:
    """One line per fault; rows are called by their number, 1 = first below the header."""
    return [*_repeated(rows), *_misspelt(rows), *_contradictory(rows)]


def _repeated(rows: Sequence[Row]) -> Iterator[str]:
    """Ids that several rows have."""
    numbers: dict[str, list[int]] = {}
    for number, row in enumerate(rows, start=1):
        numbers.setdefault(row["id"], []).append(number)
    for identifier, places in numbers.items():
        if len(places) > 1:
            yield f"the id '{identifier}' in rows {_listed(places)}"


def _misspelt(rows: Sequence[Row]) -> Iterator[str]:
    """Names that one spelling would make the same."""
    for column in NAMES:
        words = [row[column] for row in rows if row.get(column) is not None]
        for group in near_equal(words):
            spellings = ", ".join(f"'{word}' ({words.count(word)} rows)" for word in group)
            yield (
                f"{spellings} in column {column}, which differ in case, spaces or character form "
                "alone"
            )


def _contradictory(rows: Sequence[Row]) -> Iterator[str]:
    """Stretches of one recording that are there under different labels."""
    same_recording: dict[tuple[Any, ...], list[tuple[int, Row]]] = {}
    for number, row in enumerate(rows, start=1):
        media = tuple(os.path.realpath(row[name]) if row.get(name) else None for name in PATHS)
        if any(media):
            stretch = (*media, row.get("start"), row.get("end"), row.get("face_side"))
            same_recording.setdefault(stretch, []).append((number, row))
    for numbered in same_recording.values():
        places = _listed([number for number, _ in numbered])
        for label in LABELS:
            cells = [str(row[label]) for _, row in numbered if row.get(label) is not None]
            different = list(dict.fromkeys(cells))
            if len(different) > 1:
                values = " and ".join(different[:4])
                yield f"one recording in rows {places} with the {label} {values}"


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:SHOWN])) + (", ..." if len(numbers) > SHOWN else "")

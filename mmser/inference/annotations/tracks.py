"""What a timeline says, as tracks of marks: the form that annotation tools share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmser.core.printable import printable
from mmser.core.tables import PREDICTION, PROBABILITY

EMOTION, CONFIDENCE, TEXT = "emotion", "confidence", "text"


@dataclass(frozen=True, slots=True)
class Mark:
    """A label from ``start`` to ``end``, whole milliseconds."""

    start: int
    end: int
    label: str


def tracks_of(table: pd.DataFrame) -> dict[str, list[Mark]]:
    """{emotion, confidence, each value such as valence, text: its marks in order of time}.

    What a segment lacks makes no mark, what no segment has makes no track.
    """
    tracks: dict[str, list[Mark]] = {}
    for row in table.sort_values("start", kind="stable").to_dict("records"):
        start = round(1000 * row["start"])
        # The tools hold no mark without length.
        end = max(start + 1, round(1000 * row["end"]))
        for name, label in labels_of(row).items():
            tracks.setdefault(name, []).append(Mark(start, end, label))
    return tracks


def labels_of(row: Mapping[Any, Any]) -> dict[str, str]:
    """What one segment says: {track: label}, each in one line."""
    labels = {}
    if isinstance(row.get("prediction"), str):
        labels[EMOTION] = row["prediction"]
        labels[CONFIDENCE] = f"{row[PROBABILITY + row['prediction']]:.3f}"
    for column in map(str, row):
        if column.startswith(PREDICTION) and not pd.isna(row[column]):
            labels[column.removeprefix(PREDICTION)] = f"{row[column]:.4f}"
    if isinstance(row.get("text"), str):
        labels[TEXT] = row["text"]
    lines = {name: printable(" ".join(label.split())) for name, label in labels.items()}
    return {name: line for name, line in lines.items() if line}


def tiers_of(tracks: Mapping[str, Sequence[Mark]]) -> dict[str, list[Mark]]:
    """The tracks where no two marks overlap: what does goes to ``emotion 2`` and so on."""
    tiers: dict[str, list[Mark]] = {}
    for name, marks in tracks.items():
        layers: list[list[Mark]] = []
        for mark in marks:
            free = [layer for layer in layers if layer[-1].end <= mark.start]
            if free:
                free[0].append(mark)
            else:
                layers.append([mark])
        for number, layer in enumerate(layers, 1):
            tiers[name if number == 1 else f"{name} {number}"] = layer
    return tiers

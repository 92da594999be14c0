"""In what one manifest of a corpus differs from another: utterances, and cells of the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import pandas as pd

SHOWN = 10
PLACES = ("audio_path", "video_path")
NO_FACTS = ("warning",)
"""Remarks of a parser on the media, which another version of it may word otherwise."""

CONTENT = ("transcript", "words", "start", "end", "face_side", *PLACES)
"""Columns that say what features are made from; a file of the same name elsewhere is taken for the
same file.
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that differs, as text."""

    id: str
    column: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Changes:
    """``cells`` are of utterances in both tables; media of ``moved`` ids lie in another folder."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)

    @property
    def of_facts(self) -> bool:
        """Whether anything but the place of the media differs."""
        return bool(self.added or self.removed or self.cells)

    @property
    def of_content(self) -> list[str]:
        """Ids whose features, if there are any, were made from something else."""
        return list(dict.fromkeys(cell.id for cell in self.cells if cell.column in CONTENT))

    def summary(self) -> str:
        """One line that names the first of them."""
        lines = []
        if self.cells:
            cells = [
                f"{cell.id} {cell.column} {cell.before!r} -> {cell.now!r}" for cell in self.cells
            ]
            lines.append(f"{len(cells)} cells ({_shown(cells)})")
        if self.added:
            lines.append(f"{len(self.added)} utterances more ({_shown(self.added)})")
        if self.removed:
            lines.append(f"{len(self.removed)} utterances less ({_shown(self.removed)})")
        if self.moved:
            lines.append(f"the media of {len(self.moved)} utterances lie elsewhere")
        return "; ".join(lines)


def changes_of(before: pd.DataFrame, now: pd.DataFrame) -> Changes:
    """What differs in the columns that both manifests have; the order of rows does not count."""
    old, new = before.set_index("id"), now.set_index("id")
    common = [key for key in old.index if key in new.index]
    cells: list[Cell] = []
    moved: dict[str, None] = {}
    for column in [name for name in old.columns if name in new.columns and name not in NO_FACTS]:
        one, other = _texts(old.loc[common, column]), _texts(new.loc[common, column])
        for key, was, is_now in zip(common, one, other, strict=True):
            if was == is_now:
                continue
            if column in PLACES and PurePath(was).name == PurePath(is_now).name:
                moved[key] = None
            else:
                cells.append(Cell(key, column, was, is_now))
    added = [key for key in new.index if key not in old.index]
    return Changes(added, [key for key in old.index if key not in new.index], cells, list(moved))


def _texts(column: pd.Series) -> list[str]:
    return [
        "" if missing else str(cell) for cell, missing in zip(column, column.isna(), strict=True)
    ]


def _shown(items: Sequence[str]) -> str:
    more = f", and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(item[:120] for item in items[:SHOWN]) + more

"""One row of a user's table: checked cell by cell, numbers as numbers, paths absolute."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mmser.core.paths import expanded, is_there
from mmser.core.tables import SPLIT_COLUMN, SPLITS
from mmser.core.utterance import Vote, Word
from mmser.corpora.layout import whole_number
from mmser.corpora.manifest import JSON_COLUMNS, NUMBERS, PATHS
from mmser.corpora.user_table import REQUIRED

CONTENT = ("audio_path", "video_path", "transcript")
CHOICES = {"face_side": ("left", "right"), SPLIT_COLUMN: SPLITS}
ITEMS = {"words": (Word, {"text", "start", "end"}), "votes": (Vote, {"annotator"})}
"""Of each JSON column: what its items become, and the keys they need."""

TEXT_KEYS = ("text", "annotator", "emotions")
"""Keys of items whose values are no numbers."""

MOST = 1e300
"""Beyond this a number is taken for a mistake (as are NaN and infinity)."""

Row = dict[Any, Any]
"""A row as pandas gives it: {column: cell}."""


@dataclass(slots=True)
class UserRow:
    """One row under check; every fault names it."""

    row: Row
    number: int
    path: Path
    faults: list[str] = field(default_factory=list)

    def checked(self) -> Row:
        """The row with numbers as numbers and paths absolute; ``faults`` lists what is wrong."""
        for name in REQUIRED:
            if self.row[name] is None:
                self._fault(name, "a value", "an empty cell")
        for name in NUMBERS:
            self._replace(name, _number, "a number")
        for name in PATHS:
            self._media(name)
        self._replace("turn", whole_number, "a whole number from 0")
        for name, choices in CHOICES.items():
            if self.row.get(name) not in (None, *choices):
                self._fault(name, " or ".join(choices), repr(self.row[name]))
        for name in JSON_COLUMNS:
            self._json(name)
        self._span()
        if all(self.row.get(name) is None for name in CONTENT):
            self._fault(
                CONTENT[0], "a path, or one in video_path, or a transcript", "none of the three"
            )
        return self.row

    def _replace(self, name: str, read: Callable[[str], float | int | None], expected: str) -> None:
        """Put what ``read`` makes of a cell in its place; None is a fault."""
        if self.row.get(name) is None:
            return
        value = read(self.row[name])
        if value is None:
            self._fault(name, expected, repr(self.row[name])[:120])
        else:
            self.row[name] = value

    def _media(self, name: str) -> None:
        cell = self.row.get(name)
        if cell is None:
            return
        media = expanded(cell) if cell.startswith("~") else self.path.parent / cell
        if not is_there(media):
            self._fault(name, "an existing file", str(media)[:300])
        self.row[name] = str(media)

    def _span(self) -> None:
        start, end = self.row.get("start"), self.row.get("end")
        if (start is None) != (end is None):
            self._fault(
                "start" if start is None else "end",
                "both start and end, or neither",
                "an empty cell",
            )
        elif isinstance(start, float) and isinstance(end, float) and not 0 <= start < end:
            self._fault("end", "0 <= start < end", f"start {start:g}, end {end:g}")

    def _json(self, name: str) -> None:
        content = self.row.get(name)
        if content is None:
            return
        try:
            items = json.loads(content)
        except (ValueError, RecursionError) as error:
            self._fault(name, "JSON", str(error)[:120])
            return
        wrong = _wrong_items(items, name)
        if wrong:
            self._fault(name, wrong, str(content)[:60])
        elif name == "votes":
            self.row[name] = json.dumps(
                [_without_spaces(vote) for vote in items], ensure_ascii=False
            )

    def _fault(self, column: str, expected: str, found: str) -> None:
        self.faults.append(
            f"row {self.number} (id {self.row['id']!r}), column {column}: {found}, not {expected}"
        )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= MOST and "_" not in text else None


def _wrong_items(items: object, name: str) -> str | None:
    """What was expected of the items of ``words`` or ``votes``; None when they are right."""
    kind, needed = ITEMS[name]
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and needed <= item.keys() for item in items
    ):
        return f"a list of objects with {', '.join(sorted(needed))}"
    allowed = {each.name for each in fields(kind)}
    unknown = sorted({key for item in items for key in item.keys() - allowed})
    if unknown:
        return (
            f"objects with no keys but {', '.join(sorted(allowed))} (there is "
            f"{', '.join(unknown[:3])})"
        )
    wrong = (_wrong_item(item, name) for item in items)
    return next((expected for expected in wrong if expected), None)


def _wrong_item(item: Mapping[str, Any], name: str) -> str | None:
    """What was expected of one word or vote; None when it is right."""
    text_is_text = isinstance(item.get("text", ""), str)
    if not text_is_text or type(item.get("annotator", "")) not in (str, int):
        return "text as text and annotator"
    emotions = item.get("emotions") or []
    if not isinstance(emotions, list) or not all(isinstance(word, str) for word in emotions):
        return "lists of words as emotions"
    numbers = [value for key, value in item.items() if key not in TEXT_KEYS]
    if not all(_is_number(value) for value in numbers):
        return "numbers as everything but text, annotator and emotions"
    # A missing time is 0 for the start and before everything for the end: a word needs its end.
    if name == "words" and not 0 <= (item["start"] or 0) <= (item["end"] or -1):
        return "0 <= start <= end of every word"
    return None


def _is_number(value: object) -> bool:
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST
    )


def _without_spaces(vote: Mapping[str, Any]) -> dict[str, Any]:
    """A vote with its words as a cell of the table would be read."""
    emotions = [word.strip() for word in vote.get("emotions") or []]
    return {**vote, "annotator": str(vote["annotator"]).strip(), "emotions": emotions}

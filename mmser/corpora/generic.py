"""Any corpus, described by a table its user writes: ``manifest.csv``, ``manifest.tsv`` or
``manifest.parquet``.

A text table is in UTF-8 (or UTF-16 with its mark), separated by commas, semicolons or tabs. Spaces
around a cell do not count, an empty cell is a missing value. Columns (text unless said otherwise):

=======================  ==========================================================================
id, speaker              required; ids are unique
audio_path, video_path   relative to the manifest's folder, or absolute; each named file must exist
transcript               each row needs at least one of audio_path, video_path and transcript
start, end               seconds inside the media file (both or neither): the utterance is a part
                         of it
emotion, sentiment       the label as a word, mapped (or taken as it is) by the protocol
valence, arousal,        numbers on the corpus's own scale
dominance
part                     train, validation or test, for the protocol ``generic_part``
session, dialogue, turn  conversation structure; turn is a whole number
gender, language         ``female``/``male``; a language code such as ``en``
face_side                ``left`` or ``right`` where two people share the picture
words                    JSON: ``[{"text": "so", "start": 0.1, "end": 0.3}, ...]``, seconds
votes                    JSON: ``[{"annotator": "a1", "emotions": ["happy"], "valence": 3}, ...]``
=======================  ==========================================================================

Any further column is kept in the manifest as it is. Names of speakers, labels and the like that
differ in case, spaces or the form of their characters alone are refused, and so is one recording
under labels that contradict each other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError, listed_faults
from mmser.core.paths import expanded, is_there
from mmser.core.spelling import near_equal, spelling
from mmser.core.tables import read_parquet
from mmser.core.utterance import Utterance, Vote, Word
from mmser.corpora.layout import unpacked, whole_number
from mmser.corpora.manifest import FIELDS, JSON_COLUMNS, NUMBERS, PATHS, from_table

LAYOUT = (
    "a manifest.csv or manifest.parquet with the columns id, speaker, audio_path, "
    "video_path, transcript, emotion"
)
FILES = ("manifest.csv", "manifest.tsv", "manifest.parquet")
WORKBOOKS = ("manifest.xlsx", "manifest.xls", "manifest.ods")
REQUIRED = ("id", "speaker")
CONTENT = ("audio_path", "video_path", "transcript")
CHOICES = {"face_side": ("left", "right"), "part": ("train", "validation", "test")}
NAMES = ("speaker", "session", "dialogue", "gender", "emotion", "sentiment")
"""Columns whose words are compared with each other: one spelling each."""
LABELS = ("emotion", "sentiment", "valence", "arousal", "dominance")
ITEMS = {"words": (Word, {"text", "start", "end"}), "votes": (Vote, {"annotator"})}
"""Of each JSON column: what its items become, and the keys they need."""

MOST = 1e300
"""Beyond this a number is taken for a mistake (as are NaN and infinity)."""

Row = dict[Any, Any]


class Generic:
    """``root`` is the table itself or the folder that holds it; ``name`` is the corpus's name in
    the cache.
    """

    def __init__(self, root: str | Path, name: str = "generic") -> None:
        self.root = root
        self.name = name

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError naming the rows (1 = first below the header) and columns of the first
        faults.
        """
        path = _manifest_path(expanded(self.root).absolute())
        table = _text_table(path)
        rows = [
            _Checked(row, number, path)
            for number, row in enumerate(table.to_dict("records"), start=1)
        ]
        checked = [row.checked() for row in rows]
        faults = [fault for row in rows for fault in row.faults]
        faults = faults or [*_repeated(checked), *_misspelt(checked), *_contradictory(checked)]
        if faults:
            raise listed_faults(f"a table without faults in {path}", faults, "Mend the table.")
        yield from from_table(
            pd.DataFrame(checked, columns=table.columns, dtype=object).assign(corpus=self.name)
        )


def _manifest_path(root: Path) -> Path:
    folders = [root, unpacked(root)] if root.is_dir() else [root.parent]
    names = FILES if root.is_dir() else (root.name,)
    candidates = [folder / name for folder in folders for name in names]
    found = next((path for path in candidates if is_there(path)), None)
    if found is not None:
        return found
    workbooks = [
        folder / name for folder in folders for name in WORKBOOKS if is_there(folder / name)
    ]
    if workbooks:
        raise MmserError(
            LAYOUT, f"a workbook, {workbooks[0]}", "Save it as csv (Excel: 'CSV UTF-8')."
        )
    raise MmserError(
        LAYOUT, f"no such file at {root}", "Write one, or set corpus.root to the file."
    )


def _text_table(path: Path) -> pd.DataFrame:
    """The table with every cell as text or None. Raises MmserError when a column is missing, twice
    or misspelt.
    """
    table = _cells(read_parquet(path)) if path.suffix.lower() == ".parquet" else read_csv_file(path)
    columns = [str(name) for name in table.columns]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise MmserError(
            f"each column once in {path}", f"{', '.join(twice)} twice", "Rename or remove one."
        )
    meant = {spelling(name).replace(" ", "_").replace("-", "_"): name for name in columns}
    wrong = [
        f"'{meant[name]}' (write {name})"
        for name in FIELDS
        if name not in columns and name in meant
    ]
    if wrong:
        raise listed_faults(
            f"columns spelt as the documentation has them in {path}", wrong, "Rename them."
        )
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        found = ", ".join(columns)
        raise MmserError(
            f"a column '{missing[0]}' in {path}",
            f"only {found}",
            "Add it; every row needs a value.",
        )
    if table.empty:
        raise MmserError(f"rows in {path}", "none below the header", "Write one row per utterance.")
    table.columns = pd.Index(columns)
    return table


def _cells(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers, lists and so on of a parquet table as the text a csv would have."""

    def text(cell: Any) -> str | None:
        if hasattr(cell, "tolist"):
            cell = cell.tolist()
        if isinstance(cell, list | dict):
            return json.dumps(
                cell,
                default=lambda inner: inner.tolist() if hasattr(inner, "tolist") else str(inner),
            )
        missing = cell is None or cell is pd.NA or cell is pd.NaT or cell != cell
        return None if missing else str(cell).strip() or None

    columns = [[text(cell) for cell in table.iloc[:, place]] for place in range(table.shape[1])]
    return pd.DataFrame(list(zip(*columns, strict=True)), columns=table.columns, dtype=object)


@dataclass(slots=True)
class _Checked:
    """One row under check; every fault names it."""

    row: Row
    number: int
    path: Path
    faults: list[str] = field(default_factory=list)

    def checked(self) -> Row:
        """The row with numbers as numbers and paths absolute; ``faults`` then lists
        what is wrong.
        """
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

    def _replace(self, name: str, read: Any, expected: str) -> None:
        if self.row.get(name) is None:
            return
        value = read(self.row[name])
        if value is None:
            self._fault(name, expected, repr(self.row[name])[:120])
        self.row[name] = value if value is not None else self.row[name]

    def _media(self, name: str) -> None:
        if self.row.get(name) is None:
            return
        media = (
            expanded(self.row[name])
            if self.row[name].startswith("~")
            else self.path.parent / self.row[name]
        )
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
    known = {item.name for item in fields(kind)}
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and needed <= item.keys() for item in items
    ):
        return f"a list of objects with {', '.join(sorted(needed))}"
    unknown = sorted({key for item in items for key in item.keys() - known})
    if unknown:
        return (
            f"objects with no keys but {', '.join(sorted(known))} (there is "
            f"{', '.join(unknown[:3])})"
        )
    for item in items:
        if not isinstance(item.get("text", ""), str) or type(item.get("annotator", "")) not in (
            str,
            int,
        ):
            return "text as text and annotator"
        emotions = item.get("emotions") or []
        if not isinstance(emotions, list) or not all(isinstance(word, str) for word in emotions):
            return "lists of words as emotions"
        if not all(
            _is_number(value)
            for key, value in item.items()
            if key not in ("text", "annotator", "emotions")
        ):
            return "numbers as everything but text, annotator and emotions"
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


def _repeated(rows: list[Row]) -> list[str]:
    numbers: dict[str, list[int]] = {}
    for number, row in enumerate(rows, start=1):
        numbers.setdefault(row["id"], []).append(number)
    return [
        f"the id '{key}' in rows {_listed(found)}"
        for key, found in numbers.items()
        if len(found) > 1
    ]


def _misspelt(rows: list[Row]) -> list[str]:
    """Names that one spelling would make the same."""
    faults = []
    for column in NAMES:
        words = [row[column] for row in rows if row.get(column) is not None]
        for group in near_equal(words):
            told = ", ".join(f"'{word}' ({words.count(word)} rows)" for word in group)
            faults.append(
                f"{told} in column {column}, which differ in case, spaces or character form alone"
            )
    return faults


def _contradictory(rows: list[Row]) -> list[str]:
    """Stretches of one recording that are there under different labels."""
    found: dict[tuple[Any, ...], list[tuple[int, Row]]] = {}
    for number, row in enumerate(rows, start=1):
        media = tuple(os.path.realpath(row[name]) if row.get(name) else None for name in PATHS)
        if any(media):
            key = (*media, row.get("start"), row.get("end"), row.get("face_side"))
            found.setdefault(key, []).append((number, row))
    faults = []
    for same in found.values():
        for label in LABELS:
            values = list(
                dict.fromkeys(str(row[label]) for _, row in same if row.get(label) is not None)
            )
            if len(values) > 1:
                where = _listed([number for number, _ in same])
                faults.append(
                    f"one recording in rows {where} with the {label} {' and '.join(values[:4])}"
                )
    return faults


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:6])) + (", ..." if len(numbers) > 6 else "")

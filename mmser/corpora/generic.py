"""Any corpus, described by a table its user writes: ``manifest.csv`` (UTF-8) or ``manifest.parquet``.

Columns (an empty cell is a missing value; text unless said otherwise):

=====================================  ================================================================================
id, speaker                            required; ids are unique
audio_path, video_path                 relative to the manifest's folder, or absolute; each named file must exist
transcript                             each row needs at least one of audio_path, video_path and transcript
start, end                             seconds inside the media file (both or neither): the utterance is a part of it
emotion, sentiment                     the label as a word, mapped (or taken as it is) by the protocol
valence, arousal, dominance            numbers on the corpus's own scale
part                                   train, validation or test, for the protocol ``generic_part``
session, dialogue, turn                conversation structure; turn is a whole number
gender, language                       ``female``/``male``; a language code such as ``en``
face_side                              ``left`` or ``right`` where two people share the picture
words                                  JSON: ``[{"text": "so", "start": 0.1, "end": 0.3}, ...]``, seconds
votes                                  JSON: ``[{"annotator": "a1", "emotions": ["happy"], "valence": 3}, ...]``
=====================================  ================================================================================

Any further column is kept in the manifest as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.corpora.manifest import JSON_COLUMNS, NUMBERS, PATHS, from_table, read_manifest, read_text_csv

LAYOUT = "a manifest.csv or manifest.parquet with the columns id, speaker, audio_path, video_path, transcript, emotion"
REQUIRED = ("id", "speaker")
CONTENT = ("audio_path", "video_path", "transcript")
CHOICES = {"face_side": ("left", "right"), "part": ("train", "validation", "test")}


class Generic:
    """``root`` is the manifest itself or the folder that holds it; ``name`` is the corpus's name in the cache."""

    def __init__(self, root: str | Path, name: str = "generic") -> None:
        self.root = root
        self.name = name

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError naming the row (1 = first below the header) and column of the first fault."""
        path = _manifest_path(Path(self.root).expanduser().absolute())
        table = read_text_csv(path) if path.suffix.lower() == ".csv" else read_manifest(path)
        missing = [name for name in REQUIRED if name not in table.columns]
        if missing:
            found = ", ".join(map(str, table.columns))
            raise MmserError(f"a column '{missing[0]}' in {path}", f"only {found}", "Add it; every row needs a value.")
        records = table.astype(object).where(table.notna(), None).to_dict("records")
        rows = [_Row(row, number, path).checked() for number, row in enumerate(records, start=1)]
        yield from from_table(pd.DataFrame(rows, columns=table.columns, dtype=object).assign(corpus=self.name))


def _manifest_path(root: Path) -> Path:
    candidates = [root / "manifest.csv", root / "manifest.parquet"] if root.is_dir() else [root]
    for path in candidates:
        if path.is_file():
            return path
    raise MmserError(LAYOUT, f"no such file at {root}", "Write one, or set corpus.root to the file.")


class _Row:
    """One row under check; faults name it."""

    def __init__(self, row: dict[Any, Any], number: int, path: Path) -> None:
        self.row = row
        self.number = number
        self.path = path

    def checked(self) -> dict[Any, Any]:
        """The row with numbers as numbers and paths absolute."""
        for name in REQUIRED:
            if self.row[name] is None:
                raise self._fault(name, "a value", "an empty cell")
        for name in NUMBERS:
            self._number(name)
        for name in PATHS:
            self._path(name)
        for name, choices in CHOICES.items():
            if self.row.get(name) not in (None, *choices):
                raise self._fault(name, " or ".join(choices), repr(self.row[name]))
        for name in JSON_COLUMNS:
            self._json(name)
        self._turn()
        self._span()
        if all(self.row.get(name) is None for name in CONTENT):
            raise self._fault(CONTENT[0], "a path, or one in video_path, or a transcript", "none of the three")
        return self.row

    def _number(self, name: str) -> None:
        if self.row.get(name) is None:
            return
        try:
            value = float(self.row[name])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self._fault(name, "a number", repr(self.row[name]))
        self.row[name] = value

    def _turn(self) -> None:
        turn = self.row.get("turn")
        if turn is None:
            return
        if not str(turn).removesuffix(".0").isdecimal():
            raise self._fault("turn", "a whole number from 0", repr(turn))
        self.row["turn"] = int(float(turn))

    def _span(self) -> None:
        start, end = self.row.get("start"), self.row.get("end")
        if (start is None) != (end is None):
            raise self._fault("start" if start is None else "end", "both start and end, or neither", "an empty cell")
        if start is not None and end is not None and not 0 <= start < end:
            raise self._fault("end", "0 <= start < end", f"start {start:g}, end {end:g}")

    def _path(self, name: str) -> None:
        if self.row.get(name) is None:
            return
        media = self.path.parent / Path(str(self.row[name])).expanduser()
        if not media.is_file():
            raise self._fault(name, "an existing file", str(media))
        self.row[name] = str(media)

    def _json(self, name: str) -> None:
        content = self.row.get(name)
        if content is None:
            return
        keys = {"words": {"text", "start", "end"}, "votes": {"annotator"}}[name]
        try:
            items = json.loads(content)
        except ValueError as error:
            raise self._fault(name, "JSON", str(error)) from error
        if not isinstance(items, list) or not all(isinstance(item, dict) and keys <= item.keys() for item in items):
            raise self._fault(name, f"a list of objects with {', '.join(sorted(keys))}", str(content)[:60])

    def _fault(self, column: str, expected: str, found: str) -> MmserError:
        where = f"{expected} in row {self.number} (id {self.row['id']!r}), column {column} of {self.path.name}"
        return MmserError(where, found, "Mend the table.")

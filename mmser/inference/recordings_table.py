"""A table of recordings to judge, by whatever names its columns have; its labels are for the score.

A column of files is needed (``file``, ``path``, ``audio_path``, ...: see
`mmser.corpora.drafts.known_columns`); start, end, transcript, face_side, speaker and emotion are
read where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.atomic import write_bytes
from mmser.core.emotion_names import classes_of
from mmser.core.errors import MmserError
from mmser.core.printable import without_formulas
from mmser.core.table_file import JSON_LINES, PARQUET, read_text_table
from mmser.corpora.drafts.known_columns import MEDIA, renamings
from mmser.inference.segment_table import segment_of
from mmser.inference.segments import Segment

SUFFIXES = (".csv", ".tsv", JSON_LINES, PARQUET)
FILES = (MEDIA, "video_path", "audio_path")
"""Columns that name a recording; the first that a row has counts."""
FACTS = ("id", "speaker", "emotion")


@dataclass(frozen=True)
class ListedRecordings:
    """``segments`` of each recording in the table's order, and what the table says of each."""

    segments: Mapping[Path, tuple[Segment, ...]]
    facts: Mapping[Path, tuple[Mapping[str, str | None], ...]]


def is_table(name: str) -> bool:
    """Whether a word of the command names such a table."""
    return Path(name).suffix.lower() in SUFFIXES


def read_recordings_table(path: Path) -> ListedRecordings:
    """Read it; files are named relative to its folder, or absolute.

    Raises MmserError for a table without files, and naming the row of the first fault.
    """
    if not path.is_file():
        raise MmserError("a table of recordings", f"no file {path}", "Correct the path.")
    table = read_text_table(path)
    table = table.rename(columns=renamings([str(name) for name in table.columns], {}))
    if not any(name in table for name in FILES):
        raise MmserError(
            f"a column of files in {path}", ", ".join(map(str, table.columns)), "Call it file."
        )
    segments: dict[Path, list[Segment]] = {}
    facts: dict[Path, list[Mapping[str, str | None]]] = {}
    for number, row in enumerate(table.to_dict("records"), start=1):
        named = next((row[name] for name in FILES if row.get(name)), None)
        if named is None:
            raise MmserError(
                f"a file in row {number} of {path.name}", "an empty cell", "Correct the table."
            )
        file = path.parent / str(named)
        words = {"start": row.get("start"), "end": row.get("end")}
        words |= {"text": row.get("transcript"), "face_side": row.get("face_side")}
        segments.setdefault(file, []).append(segment_of(words, path, number))
        facts.setdefault(file, []).append({name: row.get(name) for name in FACTS})
    return ListedRecordings(
        {file: tuple(each) for file, each in segments.items()},
        {file: tuple(each) for file, each in facts.items()},
    )


def file_cell(recording: Path) -> str:
    """A file's name in a table, which is UTF-8: a byte that is none stands as ``\\udcff``."""
    return str(recording).encode(errors="backslashreplace").decode()


class Collection:
    """The judged segments of all recordings, one row each."""

    def __init__(self, facts: Mapping[Path, Sequence[Mapping[str, str | None]]]) -> None:
        self._facts = facts
        self._tables: list[pd.DataFrame] = []

    def add(self, recording: Path, judged: pd.DataFrame) -> None:
        """Take in a timeline; its rows get the file, and what a table said of them."""
        table = judged.assign(file=file_cell(recording))
        for name in FACTS[1:]:
            known = [each[name] for each in self._facts.get(recording, ())]
            if any(known):
                table[name] = known
        self._tables.append(table)

    def table(self) -> pd.DataFrame:
        """All rows, the file first."""
        whole = pd.concat(self._tables, ignore_index=True)
        return whole[["file", *(name for name in whole if name != "file")]]

    def write(self, path: Path) -> None:
        """Write them as csv."""
        path.parent.mkdir(parents=True, exist_ok=True)
        content = without_formulas(self.table().round({"start": 3, "end": 3}))
        write_bytes(path, content.to_csv(index=False).encode())

    def scored(self, classes: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
        """A predictions table of the rows whose label is one of ``classes``, and other labels.

        A label counts by what it means (`mmser.core.emotion_names`).
        """
        table = self.table()
        if "emotion" not in table or not classes:
            return table.iloc[:0], []
        labels = [label if isinstance(label, str) else "" for label in table["emotion"]]
        meant = classes_of(labels, classes, {})
        other = sorted({one for one, name in zip(labels, meant, strict=True) if one and not name})
        targets = pd.Series(meant, index=table.index, dtype=object)
        rows = table[targets.notna()].assign(target=targets[targets.notna()])
        # Stretches may begin together: each row is one utterance.
        identities: Any = rows["file"] + ":" + rows.index.astype(str)
        speakers = rows.get("speaker", "")
        return rows.assign(id=identities, speaker=speakers), other

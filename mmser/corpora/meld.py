"""MELD: 13,708 utterances of the series Friends in dialogues of several speakers (Poria et al., ACL 2019).

Layout: ``train_sent_emo.csv``, ``dev_sent_emo.csv``, ``test_sent_emo.csv`` (9,989 / 1,109 / 2,610 rows; UTF-8 in recent
copies, Windows-1252 in older ones) and one clip per utterance, ``dia0_utt0.mp4``, in ``train_splits``,
``dev_splits_complete`` and ``output_repeated_splits_test``. The numbers start anew in each part, so ids carry the part.
Three csv files without video are a valid, text-only root. The official parts share speakers (the series' main cast).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.corpora.layout import existing_root, read_text, wrong_layout

LAYOUT = "MELD: train_sent_emo.csv, dev_sent_emo.csv and test_sent_emo.csv"
PARTS = {"train": "train", "dev": "validation", "test": "test"}
FOLDERS = {
    "train": ("train_splits", "train", "train_splits_wav"),
    "dev": ("dev_splits_complete", "dev_splits", "dev"),
    "test": ("output_repeated_splits_test", "test_splits", "test_splits_complete", "test"),
}
"""Names in circulation, the official one first."""
COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
KNOWN_BAD = {"train_dia125_utt3": "undecodable clip", "dev_dia110_utt7": "clip missing from the release"}
"""Media that the official archive has broken."""
GENDERS = {
    "Rachel": "female",
    "Monica": "female",
    "Phoebe": "female",
    "Ross": "male",
    "Joey": "male",
    "Chandler": "male",
}


class Meld:
    """The three tables below ``root`` (at any depth) with their clips; ``name`` is the corpus's name in the cache."""

    def __init__(self, root: str | Path, name: str = "meld") -> None:
        self.root = root
        self.name = name

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when one of the tables, or a column of it, is lacking."""
        root = existing_root(self.root, LAYOUT)
        for part in PARTS:
            tables = sorted(root.rglob(f"{part}_sent_emo.csv"), key=lambda path: len(path.parts))
            if not tables:
                raise wrong_layout(root, LAYOUT)
            clips = _clip_folder(root, part)
            for row in _rows(tables[0]):
                yield self._utterance(row, part, clips)

    def _utterance(self, row: dict[str, str], part: str, clips: Path | None) -> Utterance:
        dialogue, turn = int(row["Dialogue_ID"]), int(row["Utterance_ID"])
        identity = f"{part}_dia{dialogue}_utt{turn}"
        season, episode = row.get("Season", "").strip(), row.get("Episode", "").strip()
        times = {"start_time": row.get("StartTime", ""), "end_time": row.get("EndTime", "")}
        extra = {key: value.strip() for key, value in times.items() if value and value.strip()}
        if clips and identity in KNOWN_BAD:
            extra["warning"] = f"known defect: {KNOWN_BAD[identity]}"
        speaker = row["Speaker"].strip()
        return Utterance(
            id=identity,
            corpus=self.name,
            speaker=speaker,
            session=f"s{int(season):02d}e{int(episode):02d}" if season and episode else "",
            dialogue=f"{part}_dia{dialogue}",
            turn=turn,
            transcript=row["Utterance"].strip(),
            language="en",
            gender=GENDERS.get(speaker, ""),
            part=PARTS[part],
            video_path=clips / f"dia{dialogue}_utt{turn}.mp4" if clips else None,
            emotion=row["Emotion"].strip().lower(),
            sentiment=row["Sentiment"].strip().lower(),
            extra=extra,
        )


def _clip_folder(root: Path, part: str) -> Path | None:
    """The folder that holds the part's clips; None in a text-only copy."""
    for name in FOLDERS[part]:
        for folder in sorted(root.rglob(name)):
            if folder.is_dir() and next(folder.glob("dia*_utt*.mp4"), None):
                return folder
    return None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "an empty file"
        raise MmserError(f"the columns {', '.join(COLUMNS)} in {path}", found, "Get the official csv file.")
    for number, row in enumerate(reader, start=1):
        if not (row["Dialogue_ID"] or "").strip().isdecimal() or not (row["Utterance_ID"] or "").strip().isdecimal():
            bad = f"{row['Dialogue_ID']!r} and {row['Utterance_ID']!r} in row {number}"
            raise MmserError(f"numbers in Dialogue_ID and Utterance_ID of {path}", bad, "Get the official csv file.")
        yield row

"""MELD: 13,708 utterances of the series Friends in dialogues of several speakers (Poria et al., ACL
2019).

Layout: ``train_sent_emo.csv``, ``dev_sent_emo.csv``, ``test_sent_emo.csv`` (9,989 / 1,109 / 2,610
rows; UTF-8 in recent copies, Windows-1252 in older ones) and one clip per utterance,
``dia0_utt0.mp4``, in ``train_splits``, ``dev_splits_complete`` and ``output_repeated_splits_test``.
The numbers start anew in each split, so ids carry the split. Some test clips are there as
``final_videos_testdia0_utt0.mp4``, alone or beside the plain name, which then is taken. Three csv
files without video are a valid, text-only root. The official splits share speakers (the series'
main cast).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmser.core.errors import listed_faults
from mmser.core.folders import files_below
from mmser.core.utterance import Utterance
from mmser.corpora.layout import (
    existing_root,
    inside,
    named,
    read_label_table,
    whole_number,
    wrong_layout,
)

LAYOUT = "MELD: train_sent_emo.csv, dev_sent_emo.csv and test_sent_emo.csv"
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
"""The corpus's own names of its splits, which its tables and ids carry, and ours."""
FOLDERS = {
    "train": ("train_splits", "train", "train_splits_wav"),
    "dev": ("dev_splits_complete", "dev_splits", "dev"),
    "test": ("output_repeated_splits_test", "test_splits", "test_splits_complete", "test"),
}
"""Names in circulation, the official one first."""
CLIP = re.compile(r"(final_videos_test)?(dia\d+_utt\d+)\.mp4")
BOTH = "both final_videos_testdia*.mp4 and dia*.mp4 lie there: dia*.mp4 is taken"
COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
KNOWN_BAD = {
    "train_dia125_utt3": "undecodable clip",
    "dev_dia110_utt7": "clip missing from the release",
}
"""Media that the official archive has broken."""
GENDERS = {
    "Rachel": "female",
    "Monica": "female",
    "Phoebe": "female",
    "Ross": "male",
    "Joey": "male",
    "Chandler": "male",
}


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips of one split by name (``dia0_utt0``); no folder in a text-only copy."""

    folder: Path | None
    plain: Mapping[str, Path]
    final: Mapping[str, Path]

    def of(self, name: str) -> Path | None:
        """Where the clip lies, or should lie: the ledger then names the path."""
        return (
            self.plain.get(name)
            or self.final.get(name)
            or (self.folder and self.folder / f"{name}.mp4")
        )


class Meld:
    """The three tables below ``root``, at any depth, with their clips; ``name`` is the corpus's."""

    def __init__(self, root: str | Path, name: str = "meld") -> None:
        self.root = root
        self.name = name

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when one of the tables, or a column of it, is lacking."""
        root = existing_root(self.root, LAYOUT)
        files = files_below(root)
        for split in SPLITS:
            tables = named(files, f"{split}_sent_emo.csv")
            if not tables:
                raise wrong_layout(root, LAYOUT)
            clips = _clips(files, root, split)
            for row in _rows(tables[0]):
                yield self._utterance(row, split, clips)

    def _utterance(self, row: dict[str, str], split: str, clips: Clips) -> Utterance:
        dialogue, turn = int(row["Dialogue_ID"]), int(row["Utterance_ID"])
        identity = f"{split}_dia{dialogue}_utt{turn}"
        season, episode = whole_number(row.get("Season")), whole_number(row.get("Episode"))
        times = {"start_time": row.get("StartTime", ""), "end_time": row.get("EndTime", "")}
        extra = {key: value for key, value in times.items() if value}
        name = f"dia{dialogue}_utt{turn}"
        if clips.folder and identity in KNOWN_BAD:
            extra["warning"] = f"known defect: {KNOWN_BAD[identity]}"
        elif name in clips.plain and name in clips.final:
            extra["warning"] = BOTH
        speaker = row["Speaker"]
        return Utterance(
            id=identity,
            corpus=self.name,
            speaker=speaker,
            session="" if season is None or episode is None else f"s{season:02d}e{episode:02d}",
            dialogue=f"{split}_dia{dialogue}",
            turn=turn,
            transcript=row["Utterance"],
            language="en",
            gender=GENDERS.get(speaker, ""),
            part=SPLITS[split],
            video_path=clips.of(name),
            emotion=row["Emotion"].lower() or None,
            sentiment=row["Sentiment"].lower() or None,
            extra=extra,
        )


def _clips(files: Sequence[Path], root: Path, split: str) -> Clips:
    """The clips of the first folder, by the order of `FOLDERS`, that holds any."""
    for folder in FOLDERS[split]:
        plain: dict[str, Path] = {}
        final: dict[str, Path] = {}
        for path in inside(files, root, folder):
            if match := CLIP.fullmatch(path.name):
                (final if match[1] else plain).setdefault(match[2], path)
        if plain or final:
            return Clips(next(iter((plain or final).values())).parent, plain, final)
    return Clips(None, {}, {})


def _rows(path: Path) -> Iterator[dict[str, str]]:
    rows = read_label_table(path, COLUMNS)
    numbers = [
        (number, row["Dialogue_ID"], row["Utterance_ID"])
        for number, row in enumerate(rows, start=1)
    ]
    faults = [
        f"'{dialogue}' and '{turn}' in row {number}"
        for number, dialogue, turn in numbers
        if whole_number(dialogue) is None or whole_number(turn) is None
    ]
    if faults:
        expected = f"numbers in Dialogue_ID and Utterance_ID of {path}"
        raise listed_faults(expected, faults, "Get the official csv file.")
    yield from rows

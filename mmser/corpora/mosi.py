"""CMU-MOSI as feature collections ship it: 93 film reviews on video, cut into opinions (Zadeh et
al., 2016).

Layout: ``train.csv`` and ``test.csv`` with the columns utterance, dialogue, turn, label (0
negative, 1 positive) and transcript; the row order is that of the feature arrays beside them, which
``preprocess/import_features.py`` turns into caches. There are no media. A video is a monologue: it
stands for the conversation and, since the tables name no speakers, for the speaker.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmser.core.errors import listed_faults
from mmser.core.utterance import Utterance
from mmser.corpora.layout import (
    existing_root,
    read_label_table,
    unpacked,
    whole_number,
    wrong_layout,
)

LAYOUT = (
    "MOSI: train.csv and test.csv with the columns utterance, dialogue, turn, label, transcript"
)
COLUMNS = ("utterance", "dialogue", "turn", "label", "transcript")
SPLITS = ("train", "test")
SENTIMENTS = {"0": "negative", "1": "positive"}


class Mosi:
    """Every row of both tables; ``sentiment`` is negative or positive, the split train or test."""

    name = "mosi"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when a table is missing, lacks a column, or has an unreadable row."""
        root = unpacked(existing_root(self.root, LAYOUT))
        paths = [root / f"{split}.csv" for split in SPLITS]
        if not all(path.is_file() for path in paths):
            raise wrong_layout(root, LAYOUT)
        for split, path in zip(SPLITS, paths, strict=True):
            for row in _rows(path):
                yield self._utterance(row, split)

    def _utterance(self, row: dict[str, str], split: str) -> Utterance:
        return Utterance(
            id=row["utterance"],
            corpus=self.name,
            speaker=row["dialogue"],
            dialogue=row["dialogue"],
            turn=int(float(row["turn"])),
            transcript=row["transcript"] or None,
            language="en",
            part=split,
            sentiment=SENTIMENTS[row["label"]],
        )


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table; the faults of all of them are one error."""
    rows = read_label_table(path, COLUMNS)
    faults = [
        f"'{row['label']}' and '{row['turn']}' in row {number}"
        for number, row in enumerate(rows, start=1)
        if row["label"] not in SENTIMENTS
        or whole_number(row["turn"]) is None
        or not row["utterance"]
    ]
    if faults:
        expected = f"label 0 or 1, a whole turn and an utterance in each row of {path}"
        raise listed_faults(expected, faults, "Correct the table.")
    return rows

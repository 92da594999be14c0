"""CMU-MOSI as feature collections ship it: 93 film reviews on video, cut into opinions (Zadeh et al., 2016).

Layout: ``train.csv`` and ``test.csv`` with the columns utterance, dialogue, turn, label (0 negative, 1 positive) and
transcript; the row order is that of the feature arrays beside them, which
``preprocess/import_features.py`` turns into caches. There are no media. A video is a monologue: it stands for the
conversation and, since the tables name no speakers, for the speaker.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError
from mmser.core.tables import require_columns
from mmser.core.utterance import Utterance
from mmser.corpora.layout import existing_root, wrong_layout
from mmser.corpora.manifest import read_text_csv

LAYOUT = "MOSI: train.csv and test.csv with the columns utterance, dialogue, turn, label, transcript"
COLUMNS = ("utterance", "dialogue", "turn", "label", "transcript")
PARTS = ("train", "test")
SENTIMENTS = {"0": "negative", "1": "positive"}


class Mosi:
    """Every row of both tables; ``sentiment`` is negative or positive, ``part`` is train or test."""

    name = "mosi"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when a table is missing, lacks a column, or has a row that cannot be read."""
        root = existing_root(self.root, LAYOUT)
        paths = [root / f"{part}.csv" for part in PARTS]
        if not all(path.is_file() for path in paths):
            raise wrong_layout(root, LAYOUT)
        for part, path in zip(PARTS, paths, strict=True):
            table = read_text_csv(path)
            require_columns(table, COLUMNS, str(path))
            for number, row in enumerate(table.to_dict("records"), start=1):
                yield self._utterance(row, part, f"row {number} of {path.name}")

    def _utterance(self, row: dict[Any, Any], part: str, where: str) -> Utterance:
        label, turn = str(row["label"]), str(row["turn"])
        if label not in SENTIMENTS or not turn.isdecimal():
            raise MmserError(f"label 0 or 1 and a whole turn in {where}", f"'{label}' and '{turn}'", "Mend the table.")
        return Utterance(
            id=str(row["utterance"]),
            corpus=self.name,
            speaker=str(row["dialogue"]),
            dialogue=str(row["dialogue"]),
            turn=int(turn),
            transcript=None if row["transcript"] is None else str(row["transcript"]),
            language="en",
            part=part,
            sentiment=SENTIMENTS[label],
        )

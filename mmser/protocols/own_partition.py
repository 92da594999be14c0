"""The corpus's own train / validation / test split."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import SPLIT_COLUMN, SPLITS
from mmser.protocols.plan import Fold


class OwnPartition:
    """The corpus's own split as one fold; some corpora share speakers between the three."""

    def __init__(self, speaker_dependent: bool = True) -> None:
        self.speaker_dependent = speaker_dependent

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        split_of = table[SPLIT_COLUMN]
        ids = {split: tuple(table.loc[split_of == split, "id"]) for split in SPLITS}
        empty = [split for split in SPLITS if not ids[split]]
        if empty:
            raise MmserError(
                "utterances in train, validation and test",
                f"none in {empty[0]}",
                "Fill the column part.",
            )
        yield Fold("official", ids["train"], ids["validation"], ids["test"])

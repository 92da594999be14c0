"""A corpus's own test part, for corpora that name no validation part: whole training speakers
validate.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd

from mmser.core.errors import MmserError
from mmser.protocols.folds import Fold


class OwnTestPart:
    """One fold: the corpus's own test part; the share ``validation`` of the training part's
    speakers validates.

    Which speakers, is drawn by ``seed``; at least one validates and one trains. ``tested`` is the
    part that is tested: "validation" where the labels of the test part are withheld.
    """

    speaker_dependent = False

    def __init__(self, validation: float = 0.15, seed: int = 0, tested: str = "test") -> None:
        if not 0.0 <= validation <= 1.0:
            raise MmserError(
                "folds.validation from 0 to 1", str(validation), "Correct the protocol."
            )
        self.validation = validation
        self.seed = seed
        self.tested = tested

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        tested, rest = table[table["part"] == self.tested], table[table["part"] == "train"]
        speakers = sorted(rest["speaker"].unique())
        if tested.empty or len(speakers) < 2:
            found = f"{len(tested)} {self.tested} utterances, {len(speakers)} training speakers"
            expected = f"a {self.tested} part and at least 2 speakers in the training part"
            raise MmserError(expected, found, "Fill the column part.")
        random.Random(self.seed).shuffle(speakers)
        count = min(max(1, round(self.validation * len(speakers))), len(speakers) - 1)
        held = rest["speaker"].isin(speakers[:count])
        yield Fold(
            "official",
            tuple(rest.loc[~held, "id"]),
            tuple(rest.loc[held, "id"]),
            tuple(tested["id"]),
        )

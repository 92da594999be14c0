"""A corpus's own test split, for corpora without a validation split: training speakers validate."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import SPLIT_COLUMN
from mmser.protocols.plan import Fold


class OwnTestPart:
    """One fold: the corpus's own test split, and a share of its training speakers validates.

    That share is ``validation``; which speakers, is drawn by ``seed``; at least one validates and
    one trains. ``tested`` is the split that is tested: "validation" where the labels of the test
    split are withheld.
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
        split_of = table[SPLIT_COLUMN]
        tested, rest = table[split_of == self.tested], table[split_of == "train"]
        speakers = sorted(rest["speaker"].unique())
        if tested.empty or len(speakers) < 2:
            found = f"{len(tested)} {self.tested} utterances, {len(speakers)} training speakers"
            expected = f"a {self.tested} split and at least 2 speakers in the training split"
            raise MmserError(expected, found, "Fill the column part.")
        random.Random(self.seed).shuffle(speakers)
        count = min(max(1, round(self.validation * len(speakers))), len(speakers) - 1)
        validates = rest["speaker"].isin(speakers[:count])
        yield Fold(
            "official",
            tuple(rest.loc[~validates, "id"]),
            tuple(rest.loc[validates, "id"]),
            tuple(tested["id"]),
        )

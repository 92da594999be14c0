"""Random splits drawn anew each time, as some papers report them.

Speakers are shared between the splits, and an utterance may be tested repeatedly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd

from mmser.protocols.plan import Fold
from mmser.protocols.random_folds import checked_share


class RandomSplits:
    """``count`` folds: ``test`` of all utterances is tested, ``validation`` of the rest validates.

    Neither classes nor speakers are balanced. An utterance may be tested in several splits and in
    none.
    """

    speaker_dependent = True

    def __init__(
        self, count: int = 10, test: float = 0.2, validation: float = 0.1, seed: int = 0
    ) -> None:
        self.count, self.seed = count, seed
        self.test = checked_share("test", test)
        self.validation = checked_share("validation", validation)

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        draw = random.Random(self.seed)
        for number in range(1, self.count + 1):
            ids = sorted(table["id"])
            draw.shuffle(ids)
            tested = round(len(ids) * self.test)
            held_out = tested + round((len(ids) - tested) * self.validation)
            train, validation, test = ids[held_out:], ids[tested:held_out], ids[:tested]
            yield Fold(
                f"split{number}",
                tuple(sorted(train)),
                tuple(sorted(validation)),
                tuple(sorted(test)),
            )

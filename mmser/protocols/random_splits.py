"""Random splits drawn anew each time, as some papers report them: speakers are shared, utterances
tested repeatedly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd

from mmser.protocols.folds import Fold, checked_share


class RandomSplits:
    """``count`` splits: the share ``test`` of all utterances is tested, ``validation`` of the
    others validates.

    Neither classes nor speakers are balanced. An utterance may be tested in several splits and in
    none.
    """

    speaker_dependent = True

    def __init__(
        self, count: int = 10, test: float = 0.2, validation: float = 0.1, seed: int = 0
    ) -> None:
        self.count, self.seed = count, seed
        self.test, self.validation = (
            checked_share("test", test),
            checked_share("validation", validation),
        )

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        draw = random.Random(self.seed)
        for number in range(1, self.count + 1):
            ids = sorted(table["id"])
            draw.shuffle(ids)
            tested = round(len(ids) * self.test)
            held = tested + round((len(ids) - tested) * self.validation)
            train, validation, test = (
                tuple(sorted(part)) for part in (ids[held:], ids[tested:held], ids[:tested])
            )
            yield Fold(f"split{number}", train, validation, test)

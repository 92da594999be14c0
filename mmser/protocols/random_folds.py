"""Random folds over utterances, class by class: voices are shared, so scores flatter a system."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import SPLITS
from mmser.protocols.plan import Fold


class RandomFolds:
    """Stratified random cross-validation over utterances: speakers are shared.

    Each of the ``count`` folds holds out 1 / count of every class. With ``validation_one_in=None``
    all of it is tested and the next fold's share validates: ten folds of 8 : 1 : 1. Otherwise one
    in ``validation_one_in`` held-out utterances validates and the others are tested: five folds
    with 4 give 8 : 0.5 : 1.5.
    """

    speaker_dependent = True

    def __init__(
        self, count: int = 10, validation_one_in: int | None = None, seed: int = 0
    ) -> None:
        if validation_one_in is not None and validation_one_in < 2:
            expected = "folds.validation_one_in of at least 2, or null"
            raise MmserError(expected, str(validation_one_in), "Correct the protocol.")
        self.count = count
        self.validation_one_in = validation_one_in
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        shares = stratified_shares(table, self.count, self.seed)
        for index, held_out in enumerate(shares):
            if self.validation_one_in is None:
                validation, test = shares[(index + 1) % self.count], held_out
            else:
                within = table[table["id"].isin(held_out)]
                validation = stratified_shares(within, self.validation_one_in, self.seed + index)[0]
                test = sorted(set(held_out) - set(validation))
            not_training = {*validation, *test}
            train = tuple(identity for identity in table["id"] if identity not in not_training)
            yield Fold(f"fold{index + 1}", train, tuple(sorted(validation)), tuple(sorted(test)))


class RandomHoldOut:
    """One stratified random split: ``test`` of the utterances, ``validation`` of the others.

    Speakers are shared.
    """

    speaker_dependent = True

    def __init__(self, test: float = 0.3, validation: float = 0.2, seed: int = 0) -> None:
        self.test = checked_share("test", test)
        self.validation = checked_share("validation", validation)
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        draw = random.Random(self.seed)
        ids: dict[str, list[str]] = {split: [] for split in SPLITS}
        # Class by class, so that each split has the corpus's shares of them.
        for _, members in table.groupby("label", sort=True):
            shuffled = sorted(members["id"])
            draw.shuffle(shuffled)
            tested = round(len(shuffled) * self.test)
            held_out = tested + round((len(shuffled) - tested) * self.validation)
            ids["test"] += shuffled[:tested]
            ids["validation"] += shuffled[tested:held_out]
            ids["train"] += shuffled[held_out:]
        train, validation, test = (tuple(sorted(ids[split])) for split in SPLITS)
        yield Fold("split", train, validation, test)


def checked_share(name: str, share: float) -> float:
    """The share, if it leaves something on both sides. Raises MmserError otherwise."""
    if not 0.0 < share < 1.0:
        raise MmserError(f"folds.{name} above 0 and below 1", str(share), "Correct the protocol.")
    return share


def stratified_shares(table: pd.DataFrame, count: int, seed: int) -> list[list[str]]:
    """Deal the ids of each class, shuffled, round robin into ``count`` shares.

    The shares' sizes differ by at most one overall, since each class goes on where the last ended.
    """
    draw = random.Random(seed)
    shares: list[list[str]] = [[] for _ in range(count)]
    place = 0
    for _, members in table.groupby("label", sort=True):
        ids = sorted(members["id"])
        draw.shuffle(ids)
        for identity in ids:
            shares[place % count].append(identity)
            place += 1
    return shares

"""The folds of EmoBox (Ma et al., Interspeech 2024), for the corpora that are parsed here.

Speakers are held out where every speaker acts the same (RAVDESS, EMOVO, SAVEE, CASIA, IEMOCAP by
session). Elsewhere a quarter of each emotion is tested whoever speaks it, or, in EMO-DB, a fifth in
turn: the released lists, kept in ``lists/``, since no rule makes them again. EmoBox draws a fifth
of the training utterances for validation, so validation shares its speakers with training.

Differs: which fifth validates is drawn emotion by emotion from a seed of one's own; EmoBox's draw
depends on the order of files on a disk.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError
from mmser.protocols.counts import shortened
from mmser.protocols.plan import Fold
from mmser.protocols.random_folds import checked_share

LISTS = Path(__file__).parent / "lists"
TRAINS_ONLY = "0"
"""The fold of a listed utterance that no fold tests."""


class HeldOutGroups:
    """Each value of ``column`` is tested in turn, or each of the groups that ``fixed`` names.

    The share ``validation`` of the other utterances, drawn emotion by emotion, validates.
    """

    speaker_dependent = False

    def __init__(
        self,
        column: str = "speaker",
        fixed: Mapping[str, Sequence[str]] | None = None,
        validation: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.column = column
        self.fixed = fixed
        self.validation = checked_share("validation", validation)
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        values = table[self.column]
        groups = self.fixed or {name: [name] for name in sorted(values.unique())}
        tested = {name: values.isin([str(member) for member in groups[name]]) for name in groups}
        present = {name: rows for name, rows in tested.items() if rows.any()}
        if len(present) < 2:
            raise MmserError(
                f"at least 2 groups of the column {self.column}",
                f"{len(present)}",
                "Use more of the corpus.",
            )
        for name, rows in present.items():
            yield fold_of(name, table[~rows], table[rows], self.validation, self.seed)


class ListedTests:
    """The folds of the list ``lists/<name>.csv`` (id, fold): each fold tests what it lists.

    The others train, but for the share ``validation`` of them, which validates. A list with rows of
    the fold 0 names the whole corpus, and what it leaves out takes no part. Speakers are shared.
    """

    speaker_dependent = True

    def __init__(self, name: str, validation: float = 0.2, seed: int = 0) -> None:
        self.name = name
        self.validation = checked_share("validation", validation)
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        listed = read_csv_file(LISTS / f"{self.name}.csv").set_index("id")["fold"]
        if missing := set(listed.index) - set(table["id"]):
            raise MmserError(
                f"all {len(listed)} utterances of the list {self.name}",
                f"{len(missing)} missing: {shortened(missing)}",
                "Complete the corpus, or use another protocol.",
            )
        if (listed == TRAINS_ONLY).any():
            table = table[table["id"].isin(listed.index)]
        fold_names = table["id"].map(listed)
        for name in sorted(set(listed) - {TRAINS_ONLY}):
            rows = fold_names == name
            yield fold_of(f"fold{name}", table[~rows], table[rows], self.validation, self.seed)


def fold_of(name: str, rest: pd.DataFrame, test: pd.DataFrame, share: float, seed: int) -> Fold:
    """The fold that tests ``test``; of ``rest`` the share of each class validates."""
    draw = random.Random(seed)
    validating: list[str] = []
    for _, members in rest.groupby("label", sort=True):
        ids = sorted(members["id"])
        validating += draw.sample(ids, round(share * len(ids)))
    validates = rest["id"].isin(validating)
    train, validation = tuple(rest.loc[~validates, "id"]), tuple(rest.loc[validates, "id"])
    return Fold(name, train, validation, tuple(test["id"]), validation_of_training=True)

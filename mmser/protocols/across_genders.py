"""From one gender to the other: a domain shift within one corpus.

For unsupervised domain adaptation.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pandas as pd

from mmser.core.errors import MmserError
from mmser.protocols.plan import Fold


class AcrossGenders:
    """Two folds: one gender trains and validates with labels, the other is tested, and vice versa.

    The share ``heard`` of each tested speaker's utterances, drawn by ``seed`` without a look at
    labels, trains without labels (0 for none); the others are tested: the inductive setting.
    ``validation_speakers`` speakers of the training gender validate. The voices tested have been
    in training, so the plan is marked speaker-dependent.
    """

    speaker_dependent = True

    def __init__(self, heard: float = 0.5, validation_speakers: int = 1, seed: int = 0) -> None:
        if not 0.0 <= heard < 1.0:
            raise MmserError("folds.heard from 0 to below 1", str(heard), "Correct the protocol.")
        self.unlabelled_share = heard
        self.validation_speakers = validation_speakers
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        genders = sorted(table["gender"].unique())
        if len(genders) != 2 or "" in genders:
            named = ", ".join(name or "(unknown)" for name in genders)
            raise MmserError("speakers of two genders", named, "Fill the column gender.")
        for source, target in (genders, reversed(genders)):
            draw = random.Random(self.seed)
            own, other = table[table["gender"] == source], table[table["gender"] == target]
            speakers = sorted(own["speaker"].unique())
            if len(speakers) <= self.validation_speakers:
                expected = f"more than {self.validation_speakers} speakers of gender {source}"
                raise MmserError(expected, str(len(speakers)), "Lower folds.validation_speakers.")
            validates = own["speaker"].isin(draw.sample(speakers, self.validation_speakers))
            unlabelled, tested = self._divided(other, draw)
            train, validation = tuple(own.loc[~validates, "id"]), tuple(own.loc[validates, "id"])
            yield Fold(f"{source}_to_{target}", train, validation, tested, unlabelled)

    def _divided(
        self, target: pd.DataFrame, draw: random.Random
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(ids that train unlabelled, ids that are tested), drawn speaker by speaker."""
        unlabelled: list[str] = []
        for _, rows in target.groupby("speaker", sort=True):
            ids = sorted(rows["id"])
            unlabelled += draw.sample(ids, int(len(ids) * self.unlabelled_share))
        training = set(unlabelled)
        tested = [identity for identity in sorted(target["id"]) if identity not in training]
        return tuple(sorted(unlabelled)), tuple(tested)

"""How a corpus is cut into folds: `Fold`, and `FoldPlan`, what every way of cutting fulfils.

A plan is called with a table (one row per utterance that takes part, sorted by id) with the columns
``id``, ``speaker``, ``session``, ``gender``, ``part`` (the corpus's own split) and ``label``, and
yields `Fold`s. It depends on nothing but the table and its own seed: never on the row order, the
training seed or the machine. The protocol guards what a plan promises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pandas as pd


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold: its name and the ids of its three splits, which share no utterance.

    ``unlabelled`` are further ids that train without their labels. ``validation_of_training`` says
    that the validation split is a share of what training speakers say; it is no test split's.
    """

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    unlabelled: tuple[str, ...] = ()
    validation_of_training: bool = False

    @property
    def splits(self) -> dict[str, tuple[str, ...]]:
        """{split: its ids}, in the order of `mmser.core.tables.SPLITS`; no unlabelled ones."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class FoldPlan(Protocol):
    """What `mmser.protocols.protocol.EvaluationProtocol` asks of a plan."""

    speaker_dependent: bool
    """Whether a speaker of the training split may also be tested (or validated)."""

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]: ...

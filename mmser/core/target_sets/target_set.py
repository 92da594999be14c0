"""One thing that a task asks of every utterance, and how its answers are written down and scored.

A new kind of target (a ranking, say) is a subclass in a file of its own and a field of
`mmser.core.task.Task`; data, predictions, scores, reports, inference and export ask the target sets
and need no change.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from mmser.core.batch import Outputs


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Target and prediction of every labelled utterance, (utterance,) each.

    They are indices of ``classes`` classes, or numbers where ``classes`` is 0. ``probabilities``
    (utterance, class) is None where the predictions come without.
    """

    target: np.ndarray
    prediction: np.ndarray
    classes: int = 0
    probabilities: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What is scored together: the labelled ``rows`` of a predictions table and their answers.

    ``value`` is what the name of a metric ends with ("valence"), empty for classes.
    """

    rows: pd.DataFrame
    answers: Answers
    value: str = ""


@dataclass(frozen=True, slots=True)
class TargetSet(ABC):
    """``names`` are the classes or values, in the order of the model's numbers.

    ``kind`` says what the names are, ``batch_key`` names their targets in `Batch.targets`,
    ``output`` the field of `Outputs` that answers, ``main_metric`` the score by which systems are
    compared and selected, ``columns_needed`` the predictions table's columns, in words;
    ``fewest_rows`` is how many labelled utterances a score needs.
    """

    names: tuple[str, ...]

    kind: ClassVar[str]
    batch_key: ClassVar[str]
    output: ClassVar[str]
    main_metric: ClassVar[str]
    columns_needed: ClassVar[str]
    fewest_rows: ClassVar[int] = 1

    @property
    @abstractmethod
    def manifest_columns(self) -> tuple[str, ...]:
        """Numeric columns of the manifest that every utterance of a protocol must have filled."""

    @abstractmethod
    def targets(self, rows: pd.DataFrame) -> np.ndarray:
        """Targets (row,) or (row, name) of a fold's manifest rows with ``label``, as in a batch."""

    @abstractmethod
    def answer(self, outputs: Outputs) -> Tensor | None:
        """The model's numbers (batch, name), None where it gives none."""

    @abstractmethod
    def printed(self, answer: Tensor) -> Tensor:
        """(batch, name) as it is printed, and averaged over models: classes as probabilities."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The predictions table's columns of what `printed` gives."""

    @abstractmethod
    def decisive(self, numbers: np.ndarray) -> np.ndarray:
        """Of each row of numbers (utterance, name), the index of the one that is the prediction."""

    @abstractmethod
    def decisions(self, numbers: np.ndarray) -> dict[str, list[str]]:
        """Columns that state a decision between the names, from numbers (utterance, name)."""

    @abstractmethod
    def target_columns(self, target: np.ndarray) -> Mapping[str, Sequence[str | None] | np.ndarray]:
        """The predictions table's columns of a batch's targets."""

    @classmethod
    @abstractmethod
    def in_table(cls, table: pd.DataFrame, name: str = "the table") -> Self | None:
        """The set whose columns a predictions table has; None where it has none of this kind."""

    @classmethod
    @abstractmethod
    def has_columns(cls, table: pd.DataFrame, name: str) -> bool:
        """Whether the table has the columns of this kind; MmserError for half of a pair."""

    @classmethod
    @abstractmethod
    def checked(cls, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """The table with the columns of this kind read as text or numbers; MmserError if wrong."""

    @abstractmethod
    def paired(self, target: np.ndarray, answer: np.ndarray) -> dict[str, Answers]:
        """The labelled rows of targets and of the model's numbers, by value as in `Scored`."""

    @abstractmethod
    def scored(self, table: pd.DataFrame) -> Iterator[Scored]:
        """The labelled rows of a predictions table, once for each number that is scored alone."""

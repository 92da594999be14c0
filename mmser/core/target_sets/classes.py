"""Classes: logits in, the most probable class and its probabilities out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from mmser.core.errors import MmserError
from mmser.core.spelling import near_equal
from mmser.core.table_cells import number_column
from mmser.core.tables import PROBABILITY
from mmser.core.target_sets.target_set import Answers, Scored, TargetSet

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from mmser.core.batch import Outputs

LABELS = ("target", "prediction")
"""The columns of class names."""


class ClassTargets(TargetSet):
    """One class of several for each utterance."""

    kind: ClassVar[str] = "classes"
    batch_key: ClassVar[str] = "emotion"
    output: ClassVar[str] = "logits"
    main_metric: ClassVar[str] = "ua"
    columns_needed: ClassVar[str] = "target and prediction"

    @property
    def manifest_columns(self) -> tuple[str, ...]:
        # A protocol maps the labels itself and keeps them in the fold assignment.
        return ()

    def targets(self, rows: pd.DataFrame) -> np.ndarray:
        # Imported here: reports read class names out of tables where no torch is installed.
        from mmser.core.batch import UNLABELLED

        place = {name: index for index, name in enumerate(self.names)}
        return np.array([place.get(label, UNLABELLED) for label in rows["label"]], np.int64)

    def answer(self, outputs: Outputs) -> Tensor | None:
        return outputs.logits

    def printed(self, answer: Tensor) -> Tensor:
        return answer.softmax(-1)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(PROBABILITY + name for name in self.names)

    def decisive(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.argmax(axis=1)

    def decisions(self, numbers: np.ndarray) -> dict[str, list[str]]:
        return {"prediction": [self.names[index] for index in self.decisive(numbers)]}

    def target_columns(self, target: np.ndarray) -> dict[str, list[str | None]]:
        # Indices below 0 stand for utterances without a label.
        return {"target": [self.names[index] if index >= 0 else None for index in target]}

    @classmethod
    def in_table(cls, table: pd.DataFrame, name: str = "the table") -> Self | None:
        names = class_names(table)
        return cls(names) if names else None

    @classmethod
    def has_columns(cls, table: pd.DataFrame, name: str) -> bool:
        return set(LABELS) <= set(table.columns)

    @classmethod
    def checked(cls, table: pd.DataFrame, name: str) -> pd.DataFrame:
        if cls.has_columns(table, name):
            table = _checked_labels(table, name)
        for column in _probability_columns(table):
            table[column] = number_column(table[column], name)
        return table

    def paired(self, target: np.ndarray, answer: np.ndarray) -> dict[str, Answers]:
        labelled = target >= 0
        decided = self.decisive(answer[labelled])
        return {"": Answers(target[labelled], decided, len(self.names))}

    def scored(self, table: pd.DataFrame) -> Iterator[Scored]:
        rows = table[table["target"].notna()]
        target, prediction = (class_indices(rows[column], self.names) for column in LABELS)
        probable = set(self.columns) <= set(rows.columns)
        probabilities = rows[list(self.columns)].to_numpy() if probable else None
        yield Scored(rows, Answers(target, prediction, len(self.names), probabilities))


def class_indices(labels: Any, classes: Sequence[Any], what: str = "a label") -> np.ndarray:
    """Positions of ``labels`` (utterance,) in ``classes``.

    Raises MmserError with the labels that are not among them.
    """
    values = np.asarray(labels, dtype=object)
    place = {label: index for index, label in enumerate(classes)}
    indices = np.array([place.get(label, -1) for label in values], dtype=np.int64)
    unknown = sorted({str(label) for label in values[indices < 0]})
    if unknown:
        raise MmserError(
            f"{what} among {', '.join(map(str, classes))}",
            ", ".join(unknown[:5]),
            "Map the labels to the classes of the protocol.",
        )
    return indices


def class_names(table: pd.DataFrame) -> tuple[str, ...]:
    """The classes of a checked table: its probability columns, in order.

    Without such columns: every label that occurs, sorted.
    """
    if "target" not in table:
        return ()
    labels: set[str] = set()
    for column in LABELS:
        labels.update(map(str, table[column].dropna().unique()))
    classes = tuple(column.removeprefix(PROBABILITY) for column in _probability_columns(table))
    others = sorted(labels - set(classes))
    if classes and others:
        missing = ", ".join(PROBABILITY + label for label in others)
        raise MmserError(
            "a probability column for every class",
            f"none for {', '.join(others)}",
            f"Add {missing}, or leave all probabilities out.",
        )
    return classes or tuple(others)


def _probability_columns(table: pd.DataFrame) -> list[str]:
    return [column for column in map(str, table.columns) if column.startswith(PROBABILITY)]


def _labels(column: pd.Series) -> np.ndarray:
    """Class names as text; None for an empty cell or one of blanks alone."""
    labels = np.full(len(column), None, dtype=object)
    for row in np.flatnonzero(column.notna()):
        labels[row] = str(column.iloc[row]).strip() or None
    return labels


def _checked_labels(table: pd.DataFrame, name: str) -> pd.DataFrame:
    for column in LABELS:
        table[column] = _labels(table[column])
    unpredicted = table.loc[table["target"].notna() & table["prediction"].isna(), "id"]
    if len(unpredicted):
        raise MmserError(
            f"a prediction for every target in {name}",
            f"none for {len(unpredicted)} utterances, first {unpredicted.iloc[0]}",
            "Predict them, or empty their targets if they should not count.",
        )
    _check_spelling(table, name)
    return table


def _check_spelling(table: pd.DataFrame, name: str) -> None:
    targets, predictions = set(table["target"].dropna()), set(table["prediction"].dropna())
    groups = near_equal(targets | predictions)
    if groups:
        spellings = ["'" + "' and '".join(group) + "'" for group in groups[:5]]
        raise MmserError(
            f"one spelling of each label in {name}",
            "; ".join(spellings),
            "Write each label in one way.",
        )
    # Disjoint labels are a misspelling unless the probability columns name them all: in a small
    # fold every prediction may be wrong.
    classes = {column.removeprefix(PROBABILITY) for column in _probability_columns(table)}
    if targets and not targets & predictions and not targets | predictions <= classes:
        raise MmserError(
            f"targets and predictions in the same spelling in {name}",
            f"targets {', '.join(sorted(targets)[:5])}, predictions "
            f"{', '.join(sorted(predictions)[:5])}",
            "Use the same label names in both columns.",
        )

"""An option of a classical learner, chosen inside the training split where several are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

INNER_FOLDS = 5

Choice = TypeVar("Choice")

Judge = Callable[[Choice, np.ndarray, np.ndarray], np.ndarray]
"""A choice, the training rows and the tested rows (indices) -> classes of the tested rows."""


def best_choice(
    choices: Sequence[Choice],
    judge: Judge[Choice],
    labels: np.ndarray,
    speakers: np.ndarray,
    option: str,
) -> Choice:
    """The choice with the best mean recall of classes; of equal ones the first.

    It is measured on at most five inner folds that share no speaker. Nothing is measured for a
    single choice. Raises MmserError where there are several and one speaker alone is there.
    """
    if len(choices) == 1:
        return choices[0]
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import GroupKFold

    people = len(np.unique(speakers))
    if people < 2:
        raise MmserError(
            f"two speakers or more to choose the solver's {option}",
            f"{people}",
            f"Give solver.{option} one value.",
        )
    folds = list(GroupKFold(min(INNER_FOLDS, people)).split(labels, groups=speakers))
    scores = [
        np.mean(
            [balanced_accuracy_score(labels[held], judge(one, rest, held)) for rest, held in folds]
        )
        for one in choices
    ]
    return choices[int(np.argmax(scores))]


def chosen_strength(
    estimator: BaseEstimator,
    strength: float | Sequence[float],
    vectors: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
) -> float:
    """``strength`` itself, or the best one of several for ``estimator``'s C."""
    from sklearn.base import clone

    def judge(one: float, rest: np.ndarray, held: np.ndarray) -> np.ndarray:
        machine = clone(estimator).set_params(C=one).fit(vectors[rest], labels[rest])
        answers: np.ndarray = machine.predict(vectors[held])
        return answers

    choices = [strength] if isinstance(strength, int | float) else list(strength)
    return float(best_choice(choices, judge, labels, speakers, "strength"))

"""The strength of a classical learner, chosen inside the training split where it is not given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

INNER_FOLDS = 5


def chosen_strength(
    estimator: BaseEstimator,
    strength: float | Sequence[float],
    vectors: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray,
) -> float:
    """``strength`` itself, or that of several with the best mean recall of classes.

    It is measured on at most five inner folds that share no speaker. Raises MmserError where one
    speaker alone is there.
    """
    if isinstance(strength, int | float):
        return float(strength)
    from sklearn.model_selection import GridSearchCV, GroupKFold

    people = len(np.unique(speakers))
    if people < 2:
        raise MmserError(
            "two speakers or more to choose the solver's strength",
            f"{people}",
            "Give solver.strength one value.",
        )
    search = GridSearchCV(
        estimator,
        {"C": list(strength)},
        scoring="balanced_accuracy",
        cv=GroupKFold(min(INNER_FOLDS, people)),
        refit=False,
    )
    search.fit(vectors, labels, groups=speakers)
    return float(search.best_params_["C"])

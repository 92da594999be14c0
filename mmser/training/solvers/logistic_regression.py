"""Multinomial logistic regression (scikit-learn's, L-BFGS) for the head `classifier`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmser.training.solvers.inner_folds import chosen_strength

ABSENT = -1e4
"""Logit of a class without examples: its probability is zero in float32, and finite."""


class LogisticRegression:
    """The exact optimum of the cross-entropy with an L2 penalty.

    ``strength`` is C, the inverse of the penalty; of several the one with the best UA on inner
    folds, which hold out whole speakers. ``balanced`` weighs classes by the inverse of their size.
    """

    def __init__(
        self,
        strength: float | Sequence[float] = 0.01,
        balanced: bool = True,
        iterations: int = 1000,
    ) -> None:
        self.strength = strength
        self.balanced = balanced
        self.iterations = iterations

    def __call__(
        self, vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, classes: int
    ) -> dict[str, Tensor]:
        """Vectors (row, feature), class indices (row,), speakers (row,) -> the head's tensors."""
        from sklearn.linear_model import LogisticRegression as Regression

        weighting = "balanced" if self.balanced else None
        regression = Regression(class_weight=weighting, max_iter=self.iterations)
        strength = chosen_strength(regression, self.strength, vectors, labels, speakers)
        regression.set_params(C=strength).fit(vectors, labels)
        weights, biases = regression.coef_, regression.intercept_
        if len(regression.classes_) == 2:
            # Of two classes scikit-learn keeps the difference: the second's logit, the first's 0.
            weights = np.concatenate([np.zeros_like(weights), weights])
            biases = np.concatenate([np.zeros_like(biases), biases])
        weight = torch.zeros(classes, vectors.shape[1])
        bias = torch.full((classes,), ABSENT)
        weight[regression.classes_] = torch.from_numpy(weights).float()
        bias[regression.classes_] = torch.from_numpy(biases).float()
        return {"logits.weight": weight, "logits.bias": bias}

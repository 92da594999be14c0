"""A linear support vector machine (scikit-learn's SVC, LIBSVM) for the head `one_vs_one`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from mmser.training.solvers.inner_folds import chosen_strength


class LinearSVM:
    """One machine per pair of classes.

    ``strength`` is C, the price of a margin that is missed; of several the one with the best UA on
    inner folds, which hold out whole speakers. ``balanced`` weighs classes by the inverse of their
    size.
    """

    def __init__(self, strength: float | Sequence[float] = 0.001, balanced: bool = True) -> None:
        self.strength = strength
        self.balanced = balanced

    def __call__(
        self, vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, classes: int
    ) -> dict[str, Tensor]:
        """Vectors (row, feature), class indices (row,), speakers (row,) -> the head's tensors."""
        from sklearn.svm import SVC

        weighting = "balanced" if self.balanced else None
        machine = SVC(kernel="linear", class_weight=weighting)
        machine.set_params(C=chosen_strength(machine, self.strength, vectors, labels, speakers))
        machine.fit(vectors, labels)
        weights, biases = machine.coef_, machine.intercept_
        if len(machine.classes_) == 2:
            # Of two classes scikit-learn's positive side is the second, of more the first.
            weights, biases = -weights, -biases
        return _of_all_pairs(weights, biases, machine.classes_.tolist(), classes)


def _of_all_pairs(
    weights: np.ndarray, biases: np.ndarray, present: list[int], classes: int
) -> dict[str, Tensor]:
    """The machines in the head's order. Against a class without examples the other one wins."""
    machines = dict(zip(combinations(present, 2), zip(weights, biases, strict=True), strict=True))
    nothing = np.zeros(weights.shape[1])
    rows = []
    for pair in combinations(range(classes), 2):
        verdict = float(pair[0] in present) - float(pair[1] in present)
        rows.append(machines.get(pair, (nothing, verdict)))
    return {
        "machines.weight": torch.from_numpy(np.stack([weight for weight, _ in rows])).float(),
        "machines.bias": torch.tensor([float(bias) for _, bias in rows]),
    }

"""k nearest neighbours for the head `nearest_neighbours`: nothing is fitted but k."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmser.training.solvers.inner_folds import best_choice


class KNN:
    """Every training utterance is an example, and each of the nearest has one vote.

    ``neighbours`` is k; of several the one with the best UA on inner folds, which hold out whole
    speakers. Fewer training utterances than k all vote.
    """

    def __init__(self, neighbours: int | Sequence[int] = 15) -> None:
        self.neighbours = neighbours

    def __call__(
        self, vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, classes: int
    ) -> dict[str, Tensor]:
        """Vectors (row, feature), class indices (row,), speakers (row,) -> the head's tensors."""
        from sklearn.neighbors import KNeighborsClassifier

        def judge(count: int, rest: np.ndarray, held: np.ndarray) -> np.ndarray:
            machine = KNeighborsClassifier(min(count, len(rest)), algorithm="brute")
            answers: np.ndarray = machine.fit(vectors[rest], labels[rest]).predict(vectors[held])
            return answers

        choices = [self.neighbours] if isinstance(self.neighbours, int) else list(self.neighbours)
        best = best_choice(choices, judge, labels, speakers, "neighbours")
        count = min(best, len(labels))
        return {
            "examples": torch.from_numpy(vectors).float(),
            "labels": torch.from_numpy(labels).long(),
            "votes": torch.full((count,), 1.0 / count),
        }

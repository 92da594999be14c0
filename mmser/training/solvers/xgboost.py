"""Gradient-boosted trees (XGBoost) for the head `boosted_trees`.

Only training needs the package: what it found is kept as tensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mmser.core.errors import MmserError
from mmser.training.solvers.inner_folds import best_choice

if TYPE_CHECKING:
    from xgboost import Booster

MOST_DEPTH = 12
"""Every tree is kept filled up to its depth: 4,096 leaves."""


class XGBoost:
    """Cross-entropy of all classes, a tree per class in every round; deterministic.

    ``rounds`` is the number of rounds and ``depth`` the most levels of a tree: of several the pair
    with the best UA on inner folds, which hold out whole speakers. ``rate`` is the share of each
    tree that is added (eta), ``columns`` the share of features that each tree may look at, drawn
    by ``seed``. ``balanced`` weighs utterances by the inverse size of their class.
    """

    def __init__(
        self,
        rounds: int | Sequence[int] = 200,
        depth: int | Sequence[int] = 3,
        rate: float = 0.1,
        columns: float = 1.0,
        balanced: bool = True,
        seed: int = 0,
    ) -> None:
        self.rounds = rounds
        self.depth = depth
        self.rate = rate
        self.columns = columns
        self.balanced = balanced
        self.seed = seed

    def __call__(
        self, vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, classes: int
    ) -> dict[str, Tensor]:
        """Vectors (row, feature), class indices (row,), speakers (row,) -> the head's tensors."""
        from xgboost import DMatrix

        single = vectors.astype(np.float32)

        def judge(one: tuple[int, int], rest: np.ndarray, held: np.ndarray) -> np.ndarray:
            booster = self._boosted(single[rest], labels[rest], classes, *one)
            answers: np.ndarray = booster.predict(DMatrix(single[held])).argmax(axis=1)
            return answers

        pairs = list(product(_listed(self.rounds), _listed(self.depth)))
        deepest = max(depth for _, depth in pairs)
        if deepest > MOST_DEPTH:
            raise MmserError(
                f"trees of at most {MOST_DEPTH} levels", f"{deepest}", "Lower solver.depth."
            )
        best = best_choice(pairs, judge, labels, speakers, "rounds or solver.depth")
        return _whole_trees(self._boosted(single, labels, classes, *best), classes)

    def _boosted(
        self, vectors: np.ndarray, labels: np.ndarray, classes: int, rounds: int, depth: int
    ) -> Booster:
        from xgboost import DMatrix, train

        counts = np.bincount(labels, minlength=classes)
        weights = len(labels) / counts[labels] if self.balanced else np.ones(len(labels))
        options = {
            "objective": "multi:softprob",
            "num_class": classes,
            "max_depth": depth,
            "eta": self.rate,
            "colsample_bytree": self.columns,
            # A class's starting score would be one more tensor; the first round finds it.
            "base_score": 0.0,
            "seed": self.seed,
            "nthread": torch.get_num_threads(),
            "verbosity": 1,
        }
        # Weights of mean one, as the penalty of a leaf is an absolute number.
        weights = weights / weights.mean()
        return train(options, DMatrix(vectors, label=labels, weight=weights), rounds)


def _listed(option: int | Sequence[int]) -> list[int]:
    return [option] if isinstance(option, int) else list(option)


def _whole_trees(booster: Booster, classes: int) -> dict[str, Tensor]:
    """The booster's trees, each filled up to the depth of the deepest one."""
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    trees = model["trees"]
    depth = max(_levels(tree) for tree in trees)
    features = np.zeros((len(trees), 2**depth - 1), dtype=np.int64)
    thresholds = np.zeros(features.shape, dtype=np.float32)
    leaves = np.zeros((len(trees), 2**depth), dtype=np.float32)
    for number, tree in enumerate(trees):
        _fill(tree, features[number], thresholds[number], leaves[number])
    # Trees stand class by class within each round.
    by_round = (-1, classes)
    return {
        "features": torch.from_numpy(features).unflatten(0, by_round),
        "thresholds": torch.from_numpy(thresholds).unflatten(0, by_round),
        "leaves": torch.from_numpy(leaves).unflatten(0, by_round),
    }


def _levels(tree: Mapping[str, Any], node: int = 0) -> int:
    left, right = tree["left_children"][node], tree["right_children"][node]
    return 0 if left < 0 else 1 + max(_levels(tree, left), _levels(tree, right))


def _fill(
    tree: Mapping[str, Any], features: np.ndarray, thresholds: np.ndarray, leaves: np.ndarray
) -> None:
    """Write one tree into its rows (node,), (node,), (leaf,)."""
    nodes = len(features)
    # (the tree's node, its place in the whole tree)
    open_nodes = [(0, 0)]
    while open_nodes:
        node, place = open_nodes.pop()
        left, right = tree["left_children"][node], tree["right_children"][node]
        if place >= nodes:
            leaves[place - nodes] = tree["split_conditions"][node]
        elif left < 0:
            # A leaf above the last level: whatever is asked below it, the answer is the same.
            open_nodes += [(node, 2 * place + 1), (node, 2 * place + 2)]
        else:
            features[place] = tree["split_indices"][node]
            thresholds[place] = tree["split_conditions"][node]
            open_nodes += [(left, 2 * place + 1), (right, 2 * place + 2)]

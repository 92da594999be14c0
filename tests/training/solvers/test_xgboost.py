"""The head's logits are XGBoost's own margins, without the package."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.heads.boosted_trees import BoostedTrees
from mmser.training.solvers.xgboost import XGBoost

xgboost = pytest.importorskip("xgboost")

TASK = Task(classes=("a", "b", "c", "d"))


def rows(present: list[int], count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.choice(
        present, size=count, p=[0.6] + [0.4 / (len(present) - 1)] * (len(present) - 1)
    )
    return generator.normal(size=(count, 6)) + labels[:, None] * 0.4, labels


def head_of(tensors: dict[str, torch.Tensor]) -> BoostedTrees:
    head = BoostedTrees(6, TASK)
    head.load_state_dict(tensors)
    return head


@pytest.mark.parametrize("depth", [1, 3, 6])
@pytest.mark.parametrize("present", [[0, 1], [0, 1, 2, 3], [1, 3]])
def test_logits_are_the_boosters_margins(present: list[int], depth: int) -> None:
    vectors, labels = rows(present)
    logits, _ = head_of(XGBoost(9, depth)(vectors, labels, labels, 4))(
        torch.from_numpy(vectors).float()
    )
    counts = np.bincount(labels, minlength=4)
    weights = len(labels) / counts[labels]
    data = xgboost.DMatrix(
        vectors.astype(np.float32), label=labels, weight=weights / weights.mean()
    )
    options = {"objective": "multi:softprob", "num_class": 4, "max_depth": depth, "eta": 0.1}
    booster = xgboost.train({**options, "base_score": 0.0, "nthread": 1}, data, 9)
    assert logits is not None
    np.testing.assert_allclose(logits.numpy(), booster.predict(data, output_margin=True), atol=1e-5)


def test_depth_is_the_best_on_speakers_held_out() -> None:
    """The classes are the corners of a square crosswise: trees of one level are at chance."""
    vectors = np.random.default_rng(3).normal(size=(400, 6))
    labels = ((vectors[:, 0] > 0) ^ (vectors[:, 1] > 0)).astype(int)
    speakers = np.repeat(np.arange(8), 50)
    tensors = XGBoost(20, [1, 3])(vectors, labels, speakers, 4)
    assert tensors["leaves"].shape == (20, 4, 8)


def test_rounds_are_the_best_on_speakers_held_out() -> None:
    """The class is the sign of a sum of six features, of which one round of stumps sees one."""
    vectors = np.random.default_rng(4).normal(size=(400, 6))
    labels = (vectors.sum(axis=1) > 0).astype(int)
    speakers = np.repeat(np.arange(8), 50)
    tensors = XGBoost([1, 40], 1)(vectors, labels, speakers, 4)
    assert len(tensors["leaves"]) == 40


def test_one_speaker_alone_cannot_choose() -> None:
    vectors, labels = rows([0, 1])
    with pytest.raises(MmserError, match="two speakers or more to choose the solver's rounds"):
        XGBoost([2, 3])(vectors, labels, np.zeros(len(labels)), 4)


def test_trees_that_would_fill_the_memory_are_refused() -> None:
    vectors, labels = rows([0, 1])
    with pytest.raises(MmserError, match="at most 12 levels; found 40"):
        XGBoost(2, 40)(vectors, labels, labels, 4)


def test_a_damaged_file_is_refused() -> None:
    vectors, labels = rows([0, 1, 2, 3])
    tensors = XGBoost(3, 2)(vectors, labels, labels, 4)
    for name, damaged in {
        "features": tensors["features"] + 6,
        "leaves": tensors["leaves"][:, :, :3],
        "thresholds": tensors["thresholds"][:2],
    }.items():
        with pytest.raises(MmserError, match="weights are damaged"):
            head_of({**tensors, name: damaged})

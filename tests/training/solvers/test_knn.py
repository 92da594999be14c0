"""The head gives scikit-learn's shares of votes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.heads.nearest_neighbours import NearestNeighbours
from mmser.training.solvers.knn import KNN

TASK = Task(classes=("a", "b", "c", "d"))


def blobs(present: list[int], rows: int = 80) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.choice(present, size=rows)
    return generator.normal(size=(rows, 5)) + labels[:, None] * 0.5, labels


def head_of(tensors: dict[str, torch.Tensor]) -> NearestNeighbours:
    head = NearestNeighbours(5, TASK)
    head.load_state_dict(tensors)
    return head


@pytest.mark.parametrize("present", [[0, 1], [0, 1, 2, 3], [1, 3]])
def test_shares_are_scikit_learns(present: list[int]) -> None:
    vectors, labels = blobs(present)
    logits, _ = head_of(KNN(7)(vectors, labels, labels, 4))(torch.from_numpy(vectors[:9]).float())
    assert logits is not None and torch.isfinite(logits).all()
    machine = KNeighborsClassifier(7).fit(vectors, labels)
    shares = logits.softmax(dim=1).numpy()
    np.testing.assert_allclose(shares[:, present], machine.predict_proba(vectors[:9]), atol=1e-6)
    assert shares[:, [c for c in range(4) if c not in present]].max(initial=0.0) == 0.0


def test_fewer_rows_than_neighbours_all_vote() -> None:
    vectors, labels = blobs([0, 1], rows=3)
    tensors = KNN(15)(vectors, labels, labels, 4)
    assert tensors["votes"].tolist() == pytest.approx([1 / 3] * 3)


def test_k_is_the_best_on_speakers_held_out() -> None:
    """Each speaker's rows lie in a heap of their own, and one of them is wrong: with k = 1 a row
    of another speaker is told by that one, with k = 5 never.
    """
    generator = np.random.default_rng(1)
    labels = np.tile([0, 1], 60)
    speakers = np.repeat(np.arange(6), 20)
    vectors = generator.normal(size=(120, 5)) * 0.6 + labels[:, None] * 0.5
    one, many = (KNN(k)(vectors, labels, speakers, 4)["votes"] for k in ([1], [1, 25]))
    assert len(one) == 1 and len(many) == 25


@pytest.mark.parametrize(
    "change", [{"labels": [0, 9, 1]}, {"labels": [0, 1]}, {"votes": [0.2] * 5}]
)
def test_a_damaged_file_is_refused(change: dict[str, list[float]]) -> None:
    vectors, labels = blobs([0, 1], rows=3)
    tensors = KNN(2)(vectors, labels, labels, 4)
    for name, values in change.items():
        tensors[name] = torch.tensor(values, dtype=tensors[name].dtype)
    with pytest.raises(MmserError, match="weights are damaged"):
        head_of(tensors)


def test_the_size_of_the_features_is_the_networks() -> None:
    vectors, labels = blobs([0, 1])
    tensors = KNN(2)(vectors[:, :4], labels, labels, 4)
    with pytest.raises(RuntimeError, match="size mismatch for examples"):
        head_of(tensors)

"""The head's answers are those of scikit-learn's SVC, whose machines it holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.heads.one_vs_one import OneVsOne
from mmser.training.solvers.linear_svm import LinearSVM


def blobs(classes: int, rows: int = 150, features: int = 6) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(classes)
    labels = generator.integers(classes, size=rows)
    centres = generator.normal(size=(classes, features))
    return centres[labels] + generator.normal(size=(rows, features)), labels


def solved_head(
    vectors: np.ndarray, labels: np.ndarray, classes: int, strength: float = 0.1
) -> OneVsOne:
    head = OneVsOne(vectors.shape[1], Task(classes=tuple("abcdefg"[:classes])))
    speakers = np.arange(len(labels)) % 4
    head.load_state_dict(LinearSVM(strength)(vectors, labels, speakers, classes))
    return head


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_predictions_are_scikit_learns(classes: int) -> None:
    vectors, labels = blobs(classes)
    svc = SVC(kernel="linear", C=0.1, class_weight="balanced")
    svc.fit(vectors, labels)
    scores, values = solved_head(vectors, labels, classes)(torch.from_numpy(vectors).float())
    assert values is None and scores is not None
    assert (scores.argmax(dim=1).numpy() == svc.predict(vectors)).all()
    if classes > 2:
        expected = svc.decision_function(vectors) + np.eye(classes)[svc.predict(vectors)]
        np.testing.assert_allclose(scores.detach().numpy(), expected, atol=1e-4)


def test_a_class_without_examples_never_wins() -> None:
    vectors, labels = blobs(3)
    labels = np.where(labels == 1, 3, labels)
    scores, _ = solved_head(vectors, labels, 5)(torch.from_numpy(vectors).float())
    assert scores is not None
    assert set(scores.argmax(dim=1).tolist()) <= {0, 2, 3}


def test_one_class_is_refused() -> None:
    with pytest.raises(MmserError, match="two classes or more; found 1"):
        OneVsOne(4, Task(classes=("a",)))

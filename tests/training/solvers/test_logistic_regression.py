"""The solver's head gives scikit-learn's probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression as Regression

from mmser.core.task import Task
from mmser.models.heads.classifier import Classifier
from mmser.training.solvers.logistic_regression import LogisticRegression


@pytest.mark.parametrize("present", [[0, 1], [0, 1, 2], [1, 3]])
def test_probabilities_are_scikit_learns(present: list[int]) -> None:
    generator = np.random.default_rng(0)
    labels = generator.choice(present, size=80)
    vectors = generator.normal(size=(80, 5)) + labels[:, None] * 0.3
    tensors = LogisticRegression(0.5)(vectors, labels, np.arange(80) % 3, 4)
    head = Classifier(5, Task(classes=("a", "b", "c", "d")))
    head.load_state_dict(tensors)
    logits, _ = head.eval()(torch.from_numpy(vectors).float())
    assert logits is not None
    probabilities = logits.softmax(dim=1).detach().numpy()
    regression = Regression(C=0.5, class_weight="balanced", max_iter=1000).fit(vectors, labels)
    np.testing.assert_allclose(
        probabilities[:, present], regression.predict_proba(vectors), atol=1e-5
    )
    assert probabilities[:, [c for c in range(4) if c not in present]].max(initial=0.0) == 0.0

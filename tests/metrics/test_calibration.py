"""Against torchmetrics, scikit-learn and hand-worked cases."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from mmser.core.errors import MmserError
from mmser.metrics.calibration import brier, ece


@pytest.fixture
def case():
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(4) * 0.7, size=500)
    return probabilities, rng.integers(4, size=500)


@pytest.mark.parametrize("bins", [10, 15])
def test_ece_agrees_with_torchmetrics(case, bins):
    torch = pytest.importorskip("torch")
    from torchmetrics.functional.classification import multiclass_calibration_error

    probabilities, target = case
    expected = multiclass_calibration_error(
        torch.tensor(probabilities), torch.tensor(target), 4, n_bins=bins
    )
    assert ece(probabilities, target, bins) == pytest.approx(float(expected), abs=1e-6)


def test_ece_by_hand():
    """Two at 0.9, one of them wrong: |0.5 - 0.9|; two at 0.6, both right: |1 - 0.6|."""
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    assert ece(probabilities, np.array([0, 1, 0, 1])) == pytest.approx(0.4)


def test_brier_is_twice_the_two_class_score():
    rng = np.random.default_rng(2)
    positive = rng.random(50)
    target = rng.integers(2, size=50)
    assert brier(np.stack([1 - positive, positive], 1), target) == pytest.approx(
        2 * brier_score_loss(target, positive)
    )


def test_brier_landmarks():
    assert brier(np.eye(3), np.arange(3)) == 0
    assert brier(np.eye(3), np.array([1, 2, 0])) == 2


def test_logits_are_refused():
    with pytest.raises(MmserError, match="not logits"):
        ece(np.array([[2.0, -1.0]]), np.array([0]))
    with pytest.raises(MmserError, match=r"a sum of 0\.800 in row 1 \(1 such rows\)"):
        brier(np.array([[0.5, 0.5], [0.4, 0.4]]), np.array([0, 1]))

"""The concordance as a function with a gradient: hand-worked cases and NumPy."""

import numpy as np
import pytest
import torch

from mmser.objectives.terms.concordance import concordance


def column(values):
    return torch.tensor(values, dtype=torch.float32).unsqueeze(1)


def test_hand_worked_concordances():
    unit = column([-1.0, 1.0, -1.0, 1.0])  # mean 0, variance 1
    assert concordance(unit, unit).item() == pytest.approx(1.0, abs=1e-6)
    assert concordance(-unit, unit).item() == pytest.approx(-1.0, abs=1e-6)
    assert concordance(unit + 1.0, unit).item() == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize("target", [[-1.0, 1.0, 0.5], [2.0, 2.0, 2.0]])
def test_a_constant_prediction_is_finite_with_a_finite_gradient(target):
    prediction = torch.full((3, 1), 2.0, requires_grad=True)
    score = concordance(prediction, column(target))
    assert score.item() == 0.0
    assert torch.autograd.grad(score.sum(), prediction)[0].isfinite().all()


def test_equals_numpy_far_from_zero():
    generator = np.random.default_rng(0)
    target = generator.normal(1000.0, 0.5, 200)
    prediction = target + generator.normal(0.0, 0.3, 200)
    p, t = prediction.astype("f4").astype("f8"), target.astype("f4").astype("f8")
    expected = 2 * np.cov(p, t, ddof=0)[0, 1] / (p.var() + t.var() + (p.mean() - t.mean()) ** 2)
    found = concordance(column(prediction), column(target))
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected, abs=1e-3)

"""The many-at-once solver against scikit-learn, one fit at a time."""

from __future__ import annotations

import numpy as np
import pytest
from makers.fusion_folders import smooth_noise
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVR

from mmser.late_fusion.frame_windows import offsets, windows
from mmser.late_fusion.linear_svr import fit_linear

COSTS = (0.001, 0.01, 1.0)


@pytest.fixture(scope="module", params=["white", "smooth windows"])
def problem(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    if request.param == "white":
        features = generator.standard_normal((400, 20)).astype(np.float32)
    else:
        features = windows(0.2 * smooth_noise(generator, 400, 4), offsets(5))
    truth = generator.standard_normal((features.shape[1], 2)).astype(np.float32)
    noise = generator.laplace(size=(400, 2)).astype(np.float32)
    return features, features @ truth + 0.5 * noise + np.float32(0.3)


def objective(weights: np.ndarray, features: np.ndarray, target: np.ndarray, cost: float) -> float:
    """What LinearSVR(epsilon=0) minimises, bias last and penalised."""
    return float(
        0.5 * np.square(weights).sum()
        + cost * np.abs(target - features @ weights[:-1] - weights[-1]).sum()
    )


def test_svr_reaches_the_minimum_that_liblinear_reaches(
    problem: tuple[np.ndarray, np.ndarray],
) -> None:
    features, targets = problem
    found = fit_linear(features, targets, COSTS)
    assert found.shape == (3, 2, features.shape[1] + 1) and found.dtype == np.float32
    for row, cost in zip(found, COSTS, strict=True):
        for weights, target in zip(row, targets.T, strict=True):
            reference = LinearSVR(C=cost, random_state=0, max_iter=100_000).fit(features, target)
            least = objective(
                np.append(reference.coef_, reference.intercept_), features, target, cost
            )
            assert objective(weights, features, target, cost) < 1.01 * least


def test_ridge_is_scikit_learns(problem: tuple[np.ndarray, np.ndarray]) -> None:
    features, targets = problem
    ones = np.concatenate([features, np.ones((400, 1), np.float32)], axis=1).astype(np.float64)
    for row, cost in zip(
        fit_linear(features, targets, (0.01, 0.1), "ridge"), (0.01, 0.1), strict=True
    ):
        reference = Ridge(alpha=0.5 / cost, fit_intercept=False).fit(ones, targets)
        np.testing.assert_allclose(row, reference.coef_, atol=2e-3)


def test_an_unlabelled_target_leaves_its_row_out() -> None:
    generator = np.random.default_rng(2)
    features = generator.standard_normal((100, 3)).astype(np.float32)
    targets = generator.standard_normal((100, 2)).astype(np.float32)
    holes = targets.copy()
    holes[:40, 1] = np.nan
    found = fit_linear(features, holes, (0.1,))
    np.testing.assert_allclose(
        found[0, 0], fit_linear(features, targets[:, :1], (0.1,))[0, 0], atol=1e-6
    )
    np.testing.assert_allclose(
        found[0, 1], fit_linear(features[40:], targets[40:, 1:], (0.1,))[0, 0], atol=1e-6
    )


def test_a_thinned_fit_keeps_the_strength_of_regularisation() -> None:
    generator = np.random.default_rng(4)
    features = np.repeat(generator.standard_normal((80, 3)).astype(np.float32), 5, axis=0)
    targets = np.repeat(generator.standard_normal((80, 1)).astype(np.float32), 5, axis=0)
    thinned = fit_linear(features[::5], targets[::5], (0.02,), per_row=5)
    np.testing.assert_allclose(thinned, fit_linear(features, targets, (0.02,)), atol=1e-3)


def test_constant_inputs_and_targets_stay_finite() -> None:
    features, targets = np.zeros((50, 4), np.float32), np.full((50, 1), 0.25, np.float32)
    weights = fit_linear(features, targets, (1.0,))[0, 0]
    assert np.allclose(weights[:-1], 0) and weights[-1] == pytest.approx(0.25, abs=0.01)

"""Linear support vector regression and ridge regression for many targets and costs at once.

`fit_svr` minimises what scikit-learn's ``LinearSVR(epsilon=0)`` minimises, bias penalised like a
weight::

    1/2 |w|^2 + C * sum |y - x w|

by the alternating direction method of multipliers (Boyd et al. 2011, section 6.1) in the eigenbasis
of the features, where every target and every C shares one decomposition. liblinear's dual
coordinate descent needs one run per target and C, minutes each on windows of smooth signals; here
the whole grid takes about a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg.lapack import spstrf

Loss = Literal["svr", "ridge"]
ITERATIONS = 40
OVER_RELAXATION = 1.6
STEP = 3.0
"""Penalty parameter in units of 1 / mean absolute deviation of the target."""
NEGLIGIBLE = 1e-7
"""Directions that hold less than this share of the features' energy are left at zero weight."""


@dataclass(frozen=True, slots=True, eq=False)
class _Basis:
    """Features and a constant in orthonormal directions.

    ``rotated`` (row, direction) are they times ``directions`` (feature + 1, direction).
    """

    directions: np.ndarray
    energy: np.ndarray
    rotated: np.ndarray


def fit_linear(
    features: np.ndarray,
    targets: np.ndarray,
    costs: Sequence[float],
    loss: Loss = "svr",
    per_row: float = 1.0,
) -> np.ndarray:
    """features (row, feature), targets (row, target), costs (cost,) -> weights.

    Weights are (cost, target, feature + 1) float32. The last weight is the bias. A target's NaN
    rows are left out. ``per_row`` says how many frames a row stands for, so that a thinned set of
    rows is fitted at the same strength of regularisation.
    """
    is_labelled = ~np.isnan(targets)
    if (is_labelled == is_labelled[:, :1]).all():
        return _fit(features[is_labelled[:, 0]], targets[is_labelled[:, 0]], costs, loss, per_row)
    # Other rows are labelled for each target: one fit a target.
    single = []
    for column, rows in enumerate(is_labelled.T):
        target = targets[rows, column : column + 1]
        single.append(_fit(features[rows], target, costs, loss, per_row))
    return np.concatenate(single, axis=1)


def _fit(
    features: np.ndarray, targets: np.ndarray, costs: Sequence[float], loss: Loss, per_row: float
) -> np.ndarray:
    basis = _eigenbasis(features.astype(np.float32, copy=False))
    count = targets.shape[1]
    strength = np.repeat(np.asarray(costs, np.float32) * np.float32(per_row), count)
    target = np.tile(targets.astype(np.float32), (1, len(costs)))
    solve = _absolute if loss == "svr" else _squared
    weights = basis.directions @ solve(basis, target, strength)
    return weights.T.reshape(len(costs), count, -1)


def _eigenbasis(features: np.ndarray) -> _Basis:
    """Orthonormal directions in which the rows' energies are uncorrelated.

    Windows of smooth signals have few: a Cholesky factor with pivoting stops at the negligible
    ones, and only the small matrix that is left needs an eigendecomposition.
    """
    full = np.concatenate([features, np.ones((len(features), 1), np.float32)], axis=1)
    products = full.T @ full
    tolerance = NEGLIGIBLE * max(float(np.trace(products)), 1e-30)
    factor, pivots, rank, _ = spstrf(products, tol=tolerance, lower=1)
    lower = np.empty((len(products), rank), np.float32)
    lower[pivots - 1] = np.tril(factor)[:, :rank]
    spanned = np.linalg.qr(lower)[0]
    directions = spanned @ np.linalg.eigh(spanned.T @ products @ spanned)[1]
    rotated = full @ directions
    # Summed anew: the small eigenvalues of a float32 product are rounding noise.
    return _Basis(directions, np.square(rotated).sum(axis=0), rotated)


def _squared(basis: _Basis, target: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """(direction, column): the minimum of 1/2 |w|^2 + C * sum (y - x w)^2."""
    return (basis.rotated.T @ target) / (basis.energy[:, None] + 0.5 / strength)


def _absolute(basis: _Basis, target: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """(direction, column): the minimum of 1/2 |w|^2 + C * sum |y - x w|.

    There is one column per (cost, target).
    """
    spread = np.abs(target - np.median(target, axis=0)).mean(axis=0)
    step = (STEP / np.maximum(spread, 1e-6)).astype(np.float32)
    inverse = 1.0 / (basis.energy[:, None] + 1.0 / (strength * step))
    # In units of 1 / step the proximal map of every column clips at 1. All arrays of the loop are
    # written in place.
    target = target * step
    split, dual, rest = np.zeros_like(target), np.zeros_like(target), target.copy()
    weights = np.zeros_like(inverse)
    for _ in range(ITERATIONS):
        weights = inverse * (basis.rotated.T @ rest)
        np.subtract(target, np.matmul(basis.rotated, weights, out=rest), out=rest)
        rest *= OVER_RELAXATION
        split *= OVER_RELAXATION - 1
        dual -= np.subtract(rest, split, out=rest)
        np.negative(dual, out=split)
        np.clip(dual, -1.0, 1.0, out=dual)
        split += dual
        np.subtract(target, split, out=rest)
        rest -= dual
    return weights / step

"""Scores of valence, arousal and the like: concordance, correlation, root mean square error.

All three follow from six sums over utterances (`moments`). ``ddof`` is what is subtracted from N in
the variances and the covariance: 0 is Lin's own estimator (Lin 1989, Biometrics 45) and the
default; 1 (N - 1) is what MATLAB's and some challenge code uses, and lies a little closer to 1 in
absolute value whenever the means differ. Concatenate all utterances first: the mean of per-file or
per-batch concordances is another, lower number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mmser.core.errors import MmserError
from mmser.core.target_sets.target_set import Answers
from mmser.core.target_sets.values import ValueTargets
from mmser.metrics.metric import Metric, Sums


def moments(target: ArrayLike, prediction: ArrayLike) -> np.ndarray:
    """(utterance, 6): 1, t, p, t², p², t·p of each utterance, t being its target, p its prediction.

    Both are shifted by the mean target against cancellation, which changes no score below. Raises
    MmserError on unequal lengths or missing numbers.
    """
    t, p = np.asarray(target, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if t.shape != p.shape or t.ndim != 1 or not len(t):
        raise MmserError(
            "two equally long lists of numbers", f"shapes {t.shape} and {p.shape}", "Align them."
        )
    if not (np.isfinite(t).all() and np.isfinite(p).all()):
        raise MmserError(
            "finite targets and predictions", "NaN or infinity", "Leave unlabelled utterances out."
        )
    t, p = t - t.mean(), p - t.mean()
    return np.stack([np.ones_like(t), t, p, t * t, p * p, t * p], axis=-1)


def ccc_of(sums: np.ndarray, ddof: int = 0) -> np.ndarray:
    """Lin's concordance from summed moments (..., 6).

    2 cov / (var t + var p + (mean t - mean p)²); NaN where 0/0. A constant prediction gives 0.
    """
    _, mean_t, mean_p, var_t, var_p, covariance = _central(sums, ddof)
    return _quotient(2 * covariance, var_t + var_p + (mean_t - mean_p) ** 2)


def pearson_of(sums: np.ndarray) -> np.ndarray:
    """Correlation from summed moments (..., 6); NaN where either side is constant."""
    _, _, _, var_t, var_p, covariance = _central(sums, 0)
    return _quotient(covariance, np.sqrt(var_t * var_p))


def rmse_of(sums: np.ndarray) -> np.ndarray:
    """Root mean square error from summed moments (..., 6), in the unit of the target."""
    n, _, _, tt, pp, tp = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    return np.sqrt(np.maximum(_quotient(tt + pp - 2 * tp, n), 0.0))


def ccc(target: ArrayLike, prediction: ArrayLike, ddof: int = 0) -> float:
    """Lin's concordance correlation coefficient of two lists (utterance,)."""
    return float(ccc_of(moments(target, prediction).sum(0), ddof))


def pearson(target: ArrayLike, prediction: ArrayLike) -> float:
    """Pearson's correlation of two lists (utterance,)."""
    return float(pearson_of(moments(target, prediction).sum(0)))


def rmse(target: ArrayLike, prediction: ArrayLike) -> float:
    """Root mean square error of two lists (utterance,)."""
    return float(rmse_of(moments(target, prediction).sum(0)))


def _central(sums: np.ndarray, ddof: int) -> tuple[np.ndarray, ...]:
    """n, both means, both variances and the covariance."""
    n, t, p, tt, pp, tp = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    mean_t, mean_p, free = _quotient(t, n), _quotient(p, n), n - ddof
    var_t = _quotient(_scatter(tt, n, mean_t), free)
    var_p = _quotient(_scatter(pp, n, mean_p), free)
    return n, mean_t, mean_p, var_t, var_p, _quotient(tp - n * mean_t * mean_p, free)


def _scatter(squares: np.ndarray, n: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Sum of squared deviations; exactly 0 where only rounding is left, as of a constant."""
    scatter = squares - n * mean * mean
    return np.where(scatter <= 1e-13 * squares, 0.0, scatter)


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    )
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def _moments_of(answers: Answers) -> np.ndarray:
    return moments(answers.target, answers.prediction)


MOMENTS = Sums(ValueTargets.kind, _moments_of)

REGRESSION = (
    Metric(
        "ccc",
        ccc_of,
        title="CCC",
        meaning="Lin's concordance over all utterances together, variances with N",
        unit="score",
        better="max",
        sums=MOMENTS,
        headline=True,
    ),
    Metric(
        "pearson",
        pearson_of,
        title="Pearson",
        meaning="Pearson's correlation over all utterances together",
        unit="score",
        better="max",
        sums=MOMENTS,
    ),
    Metric(
        "rmse",
        rmse_of,
        title="RMSE",
        meaning="root mean square error, in the unit of the target",
        unit="target",
        better="min",
        sums=MOMENTS,
        on_card=True,
    ),
)

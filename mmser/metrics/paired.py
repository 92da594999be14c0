"""Is one system better than another? Tests over the same folds and seeds, or utterances.

The scores of k folds share training data, so a plain t-test over them is far too sure;
`corrected_t` widens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mmser.core.errors import MmserError


@dataclass(frozen=True, slots=True)
class PairedTest:
    """``p`` is two-sided; ``pairs`` is how many pairs took part."""

    statistic: float
    p: float
    pairs: int


def corrected_t(first: ArrayLike, second: ArrayLike, test_to_train: float) -> PairedTest:
    """Corrected resampled t-test of the scores (fold and seed,) of two systems.

    Source: Nadeau and Bengio, Machine Learning 52, 2003. ``test_to_train`` is the number of test
    over that of training utterances of a fold (1/9 for ten folds). Equal scores everywhere give p =
    1; a difference that is the same in every fold gives an infinite statistic and p = 0.
    """
    from scipy import stats

    difference = _differences(first, second)
    k, mean = len(difference), float(difference.mean())
    # Folds share training utterances, so their differences vary together: test_to_train
    # corrects for it.
    error = np.sqrt((1 / k + test_to_train) * difference.var(ddof=1))
    if error == 0 and mean == 0:
        return PairedTest(0.0, 1.0, k)
    if error == 0:
        return PairedTest(float(np.sign(mean) * np.inf), 0.0, k)
    statistic = mean / error
    return PairedTest(float(statistic), float(2 * stats.t.sf(abs(statistic), k - 1)), k)


def wilcoxon(first: ArrayLike, second: ArrayLike) -> PairedTest:
    """Wilcoxon's signed-rank test over folds and seeds; p = 1 when all are equal.

    Pairs without a difference are dropped.
    """
    from scipy import stats

    difference = _differences(first, second)
    if not difference.any():
        return PairedTest(0.0, 1.0, len(difference))
    result = stats.wilcoxon(difference)
    return PairedTest(float(result.statistic), float(result.pvalue), len(difference))


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> PairedTest:
    """McNemar's exact test on utterances: two bool lists (utterance,) of who was right.

    The statistic is how many utterances only the first got right. It treats utterances as
    independent; speakers make them dependent, so read it beside the clustered bootstrap.
    """
    from scipy import stats

    a, b = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if a.shape != b.shape:
        raise MmserError(
            "the same utterances from both systems",
            f"{a.size} and {b.size}",
            "Align the tables by id.",
        )
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    disagreements = only_first + only_second
    p = stats.binomtest(only_first, disagreements).pvalue if disagreements else 1.0
    return PairedTest(float(only_first), float(p), int(a.size))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjusted p-values of several comparisons (Holm 1979), in the given order."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def _differences(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise MmserError(
            "scores of both systems on the same folds and seeds, at least two",
            f"{a.size} and {b.size} scores",
            "Train both on the same folds and seeds.",
        )
    return a - b

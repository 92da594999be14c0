"""Against SciPy and published or hand-worked cases."""

import numpy as np
import pytest
from scipy import stats

from mmser.core.errors import MmserError
from mmser.metrics.paired import corrected_t, holm, mcnemar, wilcoxon

A = np.array([0.61, 0.64, 0.58, 0.66, 0.63, 0.60])
B = np.array([0.58, 0.63, 0.57, 0.61, 0.62, 0.57])


def test_without_correction_it_is_the_paired_t_test():
    expected = stats.ttest_rel(A, B)
    found = corrected_t(A, B, test_to_train=0.0)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_the_correction_shrinks_the_statistic_by_its_factor():
    """k = 6, test/train = 1/5: sqrt(1/6 / (1/6 + 1/5)) of the plain statistic."""
    plain, corrected = corrected_t(A, B, 0.0), corrected_t(A, B, 0.2)
    assert corrected.statistic == pytest.approx(plain.statistic * np.sqrt((1 / 6) / (1 / 6 + 0.2)))
    assert corrected.p > plain.p


def test_false_alarms_over_overlapping_folds():
    """Folds share their training data: correlated differences with mean 0 must not be called
    significant too often.
    """
    rng = np.random.default_rng(0)
    alarms = {0.0: 0, 1 / 9: 0}
    for _ in range(500):
        difference = rng.normal(0, np.sqrt(0.1)) + rng.normal(0, np.sqrt(0.9), 10)
        for ratio in alarms:
            alarms[ratio] += corrected_t(difference, np.zeros(10), ratio).p < 0.05
    assert alarms[0.0] > 45
    assert alarms[1 / 9] < 35


def test_equal_and_constantly_different_scores():
    assert corrected_t(A, A, 0.2).p == 1.0
    assert corrected_t([2.0, 2.0], [1.0, 1.0], 0.2).p == 0.0
    assert wilcoxon(A, A).p == 1.0


def test_wilcoxon_is_scipys():
    assert wilcoxon(A, B).p == pytest.approx(stats.wilcoxon(A - B).pvalue)


def test_mcnemar_counts_disagreements():
    """6 to 1: two-sided exact p = 2 (C(7,0) + C(7,1)) / 2^7 = 0.125."""
    a = np.array([True] * 6 + [False] + [True] * 20)
    b = np.array([False] * 6 + [True] + [True] * 20)
    found = mcnemar(a, b)
    assert found.statistic == 6
    assert found.p == pytest.approx(0.125)
    assert mcnemar(a, a).p == 1.0


def test_holm_by_hand():
    """Sorted 0.01, 0.02, 0.03, 0.2 times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.2 and never falling."""
    assert holm([0.03, 0.01, 0.2, 0.02]) == pytest.approx([0.06, 0.04, 0.2, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


def test_what_cannot_be_paired_is_an_error():
    with pytest.raises(MmserError, match="Train both on the same folds and seeds"):
        corrected_t([0.5], [0.4], 0.1)
    with pytest.raises(MmserError, match="the same utterances"):
        mcnemar([True], [True, False])

"""Against NumPy, SciPy and the cases worked by hand in the system specifications."""

import numpy as np
import pytest
from scipy import stats

from mmser.core.errors import MmserError
from mmser.metrics.regression import ccc, ccc_of, moments, pearson, rmse


@pytest.fixture
def pair():
    rng = np.random.default_rng(3)
    target = rng.normal(3, 1, 400)
    return target, 0.6 * target + rng.normal(1, 0.5, 400)


@pytest.mark.parametrize("ddof", [0, 1])
def test_ccc_by_its_definition(pair, ddof):
    t, p = pair
    covariance = np.cov(t, p, ddof=ddof)
    expected = (
        2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + (t.mean() - p.mean()) ** 2)
    )
    assert ccc(t, p, ddof) == pytest.approx(expected, abs=1e-12)


def test_n_and_n_minus_one_differ_when_the_means_do():
    """Targets 0, 2 and predictions 1, 3: variance 1 (N) or 2 (N-1), shift 1, hence 2/3 and 4/5."""
    assert ccc([0, 2], [1, 3]) == pytest.approx(2 / 3)
    assert ccc([0, 2], [1, 3], ddof=1) == pytest.approx(4 / 5)


def test_landmarks():
    x = np.array([-1.0, 1.0, -1.0, 1.0])
    assert ccc(x, x) == 1
    assert ccc(x, -x) == -1
    assert ccc(x, x + 1) == pytest.approx(2 / 3)
    assert ccc(x, np.full(4, 0.3)) == 0
    assert np.isnan(ccc([2.0, 2.0], [2.0, 2.0]))


def test_pearson_and_rmse(pair):
    t, p = pair
    assert pearson(t, p) == pytest.approx(stats.pearsonr(t, p).statistic)
    assert rmse(t, p) == pytest.approx(np.sqrt(np.mean((t - p) ** 2)))


def test_a_constant_has_no_correlation_even_after_rounding():
    assert np.isnan(pearson(np.random.default_rng(0).normal(size=99), np.full(99, 0.1)))


def test_a_far_away_origin_costs_no_precision(pair):
    t, p = pair
    assert ccc(t + 1e6, p + 1e6) == pytest.approx(ccc(t, p), abs=1e-9)


def test_whole_set_is_not_the_mean_of_files(pair):
    t, p = pair
    t, p = t + np.repeat([0, 5], 200), p + np.repeat([0, 5], 200)
    files = moments(t, p).reshape(2, 200, 6).sum(1)
    assert ccc_of(files.sum(0)) == pytest.approx(ccc(t, p))
    assert ccc_of(files).mean() < ccc(t, p) - 0.1


def test_missing_numbers_are_an_error():
    with pytest.raises(MmserError, match="Leave unlabelled utterances out"):
        ccc([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(MmserError, match="two equally long lists"):
        ccc([1.0], [1.0, 2.0])

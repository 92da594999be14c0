"""Proxy A-distance at its ends, and where the best linear classifier's error is known."""

import numpy as np
import pytest
from scipy.stats import norm

from mmser.core.errors import MmserError
from mmser.metrics.proxy_a_distance import proxy_a_distance


def gaussian(rows, size, shift=0.0, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, size)) + shift * np.eye(size)[0]


def test_the_same_distribution_is_near_zero_and_distant_ones_are_two():
    assert proxy_a_distance(gaussian(400, 3), gaussian(400, 3, seed=1)) < 0.25
    assert proxy_a_distance(gaussian(40, 3), gaussian(40, 3, 50.0, seed=1)) == 2.0


def test_two_shifted_gaussians_have_the_error_of_the_best_line():
    found = proxy_a_distance(gaussian(4000, 2), gaussian(4000, 2, 2.0, seed=1))
    assert found == pytest.approx(2 * (1 - 2 * norm.cdf(-1.0)), abs=0.06)


def test_what_separates_the_rows_it_was_fitted_on_alone_is_no_distance():
    """60 rows in 200 dimensions can always be separated; only held-out rows tell."""
    draws = [
        proxy_a_distance(gaussian(30, 200, seed=s), gaussian(30, 200, seed=s + 50))
        for s in range(3)
    ]
    assert np.mean(draws) < 0.5


def test_domains_centred_on_these_very_rows_are_not_told_apart():
    """Held-out rows then lie opposite to those fitted on: an error above a half, which is no
    knowledge either.
    """
    sets = [gaussian(60, 80, seed=s) for s in (0, 1)]
    assert proxy_a_distance(*(vectors - vectors.mean(axis=0) for vectors in sets)) == 0.0


def test_unequal_domains_are_judged_alike_and_scale_is_nothing():
    small, large = gaussian(40, 2, seed=3), gaussian(800, 2, seed=4)
    assert proxy_a_distance(small, large) < 0.5, "always guessing the larger one is no distance"
    far = proxy_a_distance(small, large + 1.0)
    assert proxy_a_distance(1000.0 * small, 1000.0 * (large + 1.0)) == pytest.approx(far)


def test_what_cannot_be_judged_is_an_error():
    with pytest.raises(
        MmserError, match=r"at least 5 vectors of one size; found \(4, 2\) and \(9, 2\)"
    ):
        proxy_a_distance(gaussian(4, 2), gaussian(9, 2))
    with pytest.raises(MmserError, match="one size"):
        proxy_a_distance(gaussian(9, 2), gaussian(9, 3))
    with pytest.raises(MmserError, match="finite vectors; found NaN"):
        proxy_a_distance(gaussian(9, 2) * np.nan, gaussian(9, 2))

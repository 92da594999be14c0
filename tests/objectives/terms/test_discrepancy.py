"""MMD against triple loops and its known values; CORAL by hand."""

import math

import pytest
import torch

from mmser.objectives.terms.discrepancy import (
    coral_distance,
    covariance,
    maximum_mean_discrepancy,
    median_bandwidth,
)


def draw(rows, size, seed, shift=0.0):
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed)) + shift


def by_loops(source, target):
    joint = torch.cat([source, target]).tolist()

    def distance(x, y):
        return sum((a - b) ** 2 for a, b in zip(x, y, strict=True))

    pairs = sorted(distance(x, y) for i, x in enumerate(joint) for y in joint[i + 1 :])
    width = pairs[(len(pairs) - 1) // 2]

    def mean(first, second):
        total = 0.0
        for x in first:
            for y in second:
                for q in range(-2, 3):
                    total += math.exp(-distance(x, y) / (2**q * width)) / 5
        return total / (len(first) * len(second))

    s, t = source.tolist(), target.tolist()
    return mean(s, s) + mean(t, t) - 2 * mean(s, t)


def test_mmd_is_what_the_formula_says():
    source, target = draw(5, 3, 0), draw(7, 3, 1, 0.5)
    assert float(maximum_mean_discrepancy(source, target)) == pytest.approx(
        by_loops(source, target), abs=1e-6
    )


def test_mmd_of_a_set_with_itself_is_zero_and_it_is_never_negative():
    source, target = draw(9, 4, 0), draw(6, 4, 1)
    assert float(maximum_mean_discrepancy(source, source)) == pytest.approx(0.0, abs=1e-7)
    assert float(maximum_mean_discrepancy(source, target)) >= 0.0


def test_mmd_is_symmetric_and_blind_to_order():
    source, target = draw(9, 4, 0), draw(9, 4, 1)
    value = maximum_mean_discrepancy(source, target)
    torch.testing.assert_close(maximum_mean_discrepancy(target, source), value)
    torch.testing.assert_close(maximum_mean_discrepancy(source[torch.randperm(9)], target), value)


def test_the_trace_form_of_the_tutorial_depends_on_order():
    source, target = draw(9, 4, 0), draw(9, 4, 1)

    def traces(first, second):
        gram = torch.exp(-(torch.cdist(first, second) ** 2) / 8)
        return 2.0 - 2.0 * gram.diagonal().mean()

    assert abs(float(traces(source, target) - traces(source.flip(0), target))) > 1e-3


def test_unbiased_mmd_of_equal_and_of_shifted_gaussians():
    same = maximum_mean_discrepancy(draw(500, 8, 0), draw(500, 8, 1), biased=False)
    shifted = maximum_mean_discrepancy(draw(500, 8, 0), draw(500, 8, 1, 1.0), biased=False)
    assert abs(float(same)) < 0.01
    assert 0.1 < float(shifted) < 0.3


def test_the_bandwidth_carries_no_gradient():
    assert not median_bandwidth(draw(4, 2, 0).requires_grad_()).requires_grad
    assert float(median_bandwidth(torch.zeros(3, 2))) > 0.0


def test_coral_is_zero_for_equal_sets_and_for_a_shift():
    source = draw(12, 5, 0)
    assert float(coral_distance(source, source)) == 0.0
    assert float(coral_distance(source, source + 3.0)) == pytest.approx(0.0, abs=1e-10)


def test_coral_of_a_doubled_set():
    source = draw(12, 5, 0)
    expected = 9.0 * covariance(source).square().sum() / (4 * 25)
    torch.testing.assert_close(coral_distance(source, 2.0 * source), expected)
    torch.testing.assert_close(covariance(source), torch.cov(source.T))


def test_coral_gradient():
    source, target = (
        draw(6, 3, 0).double().requires_grad_(),
        draw(5, 3, 1).double().requires_grad_(),
    )
    assert torch.autograd.gradcheck(coral_distance, (source, target))

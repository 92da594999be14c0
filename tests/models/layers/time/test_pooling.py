"""Pooling by hand, over masks with gaps and rows without a step, with gradients."""

import pytest
import torch

from mmser.models.layers.masks.padding import masked_softmax
from mmser.models.layers.time import pooling

NAN = float("nan")
VALUES = torch.tensor([[[1.0], [NAN], [4.0], [NAN]], [[NAN], [NAN], [NAN], [NAN]]])
MASK = torch.tensor([[True, False, True, False], [False] * 4])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("masked_mean", [2.5]),
        ("masked_max", [4.0]),
        ("masked_std", [1.5]),
        ("masked_statistics", [2.5, 1.5]),
        ("last_step", [4.0]),
    ],
)
def test_by_hand(name: str, expected: list[float]) -> None:
    values = VALUES.clone().requires_grad_()
    pooled = getattr(pooling, name)(values, MASK)
    pooled.sum().backward()
    torch.testing.assert_close(pooled, torch.tensor([expected, [0.0] * len(expected)]))
    assert values.grad is not None and torch.isfinite(values.grad).all()
    assert values.grad[~MASK].eq(0).all()


def test_attentive_statistics_by_hand() -> None:
    """Against the equations, step by step, of a row with a gap in the middle."""
    torch.manual_seed(0)
    pool = pooling.AttentiveStatisticsPooling(3, hidden_size=4)
    values = torch.randn(2, 5, 3)
    mask = torch.tensor([[True, True, False, True, False], [False] * 5])
    values[~mask] = NAN
    values.requires_grad_()
    vector, weights = pool(values, mask)
    real = values[0, mask[0]]
    scores = torch.tanh(real @ pool.hidden.weight.T + pool.hidden.bias) @ pool.score.weight[0]
    share = scores.exp() / scores.exp().sum()
    mean = (share[:, None] * real).sum(dim=0)
    deviation = ((share[:, None] * real.square()).sum(dim=0) - mean.square()).sqrt()
    torch.testing.assert_close(vector[0], torch.cat([mean, deviation]))
    torch.testing.assert_close(weights[0, mask[0]], share)
    assert vector[1].eq(0).all() and weights[~mask].eq(0).all()
    vector.sum().backward()
    assert values.grad is not None and values.grad[~mask].eq(0).all()
    one = pool(torch.ones(1, 1, 3), torch.ones(1, 1, dtype=torch.bool))[0]
    torch.testing.assert_close(one[0], torch.tensor([1.0] * 3 + [1e-5**0.5] * 3))


def test_deviation_of_one_step_has_a_finite_gradient() -> None:
    values = torch.ones(1, 3, 2, requires_grad=True)
    pooling.masked_std(values, torch.tensor([[True, False, False]])).sum().backward()
    assert values.grad is not None and torch.isfinite(values.grad).all()


def test_negative_maximum_is_not_lifted_by_padding() -> None:
    values = torch.tensor([[[-3.0], [0.0]]])
    assert pooling.masked_max(values, torch.tensor([[True, False]])).item() == -3.0


@pytest.mark.parametrize("hidden_size", [None, 5])
def test_attention_pooling(hidden_size: int | None) -> None:
    layer = pooling.AttentionPooling(1, hidden_size)
    vector, weights = layer(VALUES, MASK)
    vector.sum().backward()
    torch.testing.assert_close(weights.sum(dim=1), torch.tensor([1.0, 0.0]))
    assert weights[~MASK].eq(0).all()
    torch.testing.assert_close(vector[0, 0], weights[0, 0] + 4 * weights[0, 2])
    assert all(torch.isfinite(parameter.grad).all() for parameter in layer.parameters())


def test_softmax_of_an_empty_row() -> None:
    scores = torch.tensor([[1.0, NAN], [NAN, NAN]], requires_grad=True)
    weights = masked_softmax(scores, torch.tensor([[True, False], [False, False]]))
    weights.square().sum().backward()
    assert weights.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert scores.grad is not None and torch.isfinite(scores.grad).all()

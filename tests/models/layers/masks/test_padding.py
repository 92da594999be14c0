"""What stands in padding reaches neither a value nor a gradient."""

import torch

from mmser.models.layers.masks.padding import (
    all_real,
    extent,
    filled_map,
    length_mask,
    masked_softmax,
    strided,
    zero_padding,
)

MASK = torch.tensor([[True, False, True], [False] * 3])


def test_padding_becomes_zero_or_the_value_asked_for():
    values = torch.full((2, 3, 2), float("nan"))
    values[0, [0, 2]] = 1.0
    assert zero_padding(values, MASK).sum() == 4
    maps = filled_map(values.transpose(1, 2), MASK, fill=-5.0)
    assert maps[0, :, 1].tolist() == [-5, -5] and (maps[1] == -5).all()


def test_a_softmax_sees_true_entries_alone_and_has_finite_gradients():
    scores = torch.zeros(2, 3, requires_grad=True)
    weights = masked_softmax(scores, MASK)
    assert weights.tolist() == [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]
    weights[0, 0].backward()
    assert torch.isfinite(scores.grad).all() and scores.grad[1].eq(0).all()


def test_lengths_extents_and_strides_of_masks():
    assert length_mask(torch.tensor([2, 0]), 3).tolist() == [[True, True, False], [False] * 3]
    assert extent(MASK).tolist() == [3, 0]
    assert strided(MASK, 2).tolist() == [[True, True], [False, False]]
    assert all_real(MASK[:1, :1]) and not all_real(MASK)

"""Masked convolution and pooling: padding, ceil mode, agreement with torch on full sequences."""

import pytest
import torch
from torch.nn import functional as F

from mmser.models.layers.convolution.masked import (
    MaskedConv1d,
    MaskedConv2d,
    max_pool_1d,
    max_pool_2d,
)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 1, 1), (5, 2, 1), (4, 1, 1), (3, 1, 4), (1, 3, 1)]
)
def test_conv1d_ignores_padding(kernel: int, stride: int, dilation: int) -> None:
    layer = MaskedConv1d(4, 6, kernel, stride, dilation)
    values = torch.randn(1, 11, 4)
    alone, alone_mask = layer(values, torch.ones(1, 11, dtype=torch.bool))
    padded = torch.cat([values, torch.full((1, 8, 4), float("nan"))], dim=1)
    together, mask = layer(padded, torch.arange(19)[None] < 11)
    steps = -(-11 // stride)
    assert alone.shape == (1, steps, 6) and mask.sum() == alone_mask.sum() == steps
    torch.testing.assert_close(together[:, :steps], alone)
    assert together[:, steps:].eq(0).all()


def test_conv1d_is_torch_same_padding() -> None:
    layer = MaskedConv1d(4, 6, 3)
    values = torch.randn(2, 9, 4)
    expected = F.conv1d(
        values.transpose(1, 2), layer.convolution.weight, layer.convolution.bias, padding="same"
    )
    torch.testing.assert_close(
        layer(values, torch.ones(2, 9, dtype=torch.bool))[0], expected.transpose(1, 2)
    )


@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_conv2d_ignores_padding(stride: tuple[int, int]) -> None:
    layer = MaskedConv2d(1, 3, (3, 5), stride)
    values = torch.randn(1, 1, 9, 8)
    alone, _ = layer(values, torch.ones(1, 9, dtype=torch.bool))
    padded = torch.cat([values, torch.full((1, 1, 4, 8), float("nan"))], dim=2)
    together, mask = layer(padded, torch.arange(13)[None] < 9)
    steps = -(-9 // stride[0])
    assert mask.sum() == steps
    torch.testing.assert_close(together[:, :, :steps], alone)
    assert together[:, :, steps:].eq(0).all()


def test_pooling_in_ceil_mode_by_hand() -> None:
    values = torch.tensor([-5.0, -2.0, -7.0, -9.0, float("nan"), float("nan"), float("nan")])[
        None, :, None
    ]
    pooled, mask = max_pool_1d(values, torch.arange(7)[None] < 4, 3)
    assert pooled.flatten().tolist() == [-2.0, -9.0, 0.0]
    assert mask.tolist() == [[True, True, False]]


def test_the_lengths_of_mcsan() -> None:
    values, mask = torch.randn(1, 1000, 2), torch.ones(1, 1000, dtype=torch.bool)
    values, mask = max_pool_1d(values, mask, 3)
    assert values.shape[1] == 334
    assert max_pool_1d(values, mask, 3)[0].shape[1] == 112


def test_pooling_2d_floors_frequency() -> None:
    values = torch.arange(30.0).reshape(1, 1, 5, 6)
    pooled, mask = max_pool_2d(values, torch.ones(1, 5, dtype=torch.bool), (2, 4))
    assert pooled.flatten().tolist() == [9.0, 21.0, 27.0]
    assert mask.all() and mask.shape == (1, 3)

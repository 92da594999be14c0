"""Masked batch and group norm against torch's own on the real steps alone."""

import torch
from torch import nn

from mmser.models.layers.convolution.normalisation import MaskedBatchNorm, masked_group_norm

MASK = torch.tensor([[True] * 6, [True, True, False, False, False, False]])


def test_batch_norm_equals_torch_on_real_steps() -> None:
    ours, reference = MaskedBatchNorm(4), nn.BatchNorm1d(4)
    values = torch.randn(2, 4, 6) * 3 + 1
    padded = values.masked_fill(~MASK[:, None], float("nan"))
    for _ in range(2):
        out = ours(padded, MASK)
        expected = reference(values.transpose(1, 2)[MASK])
        torch.testing.assert_close(out.transpose(1, 2)[MASK], expected)
    torch.testing.assert_close(ours.running_mean, reference.running_mean)
    torch.testing.assert_close(ours.running_var, reference.running_var)
    ours.eval(), reference.eval()
    torch.testing.assert_close(
        ours(padded, MASK).transpose(1, 2)[MASK], reference(values.transpose(1, 2)[MASK])
    )
    assert out.transpose(1, 2)[~MASK].eq(0).all()


def test_batch_norm_over_spectrograms() -> None:
    ours, reference = MaskedBatchNorm(3), nn.BatchNorm2d(3)
    values = torch.randn(2, 3, 6, 5)
    torch.testing.assert_close(ours(values, torch.ones(2, 6, dtype=torch.bool)), reference(values))
    torch.testing.assert_close(ours.running_var, reference.running_var)


def test_batch_norm_of_nothing_leaves_the_statistics_alone() -> None:
    layer = MaskedBatchNorm(4)
    out = layer(torch.full((2, 4, 6), float("nan")), torch.zeros(2, 6, dtype=torch.bool))
    assert out.eq(0).all()
    assert layer.running_mean.eq(0).all() and layer.running_var.eq(1).all()


def test_group_norm_equals_the_unpadded_row() -> None:
    reference = nn.GroupNorm(4, 8)
    nn.init.normal_(reference.weight), nn.init.normal_(reference.bias)
    values = torch.randn(2, 8, 6)
    padded = values.masked_fill(~MASK[:, None], float("nan"))
    out = masked_group_norm(padded, MASK, 4, reference.weight, reference.bias, reference.eps)
    for row, length in enumerate((6, 2)):
        torch.testing.assert_close(
            out[row : row + 1, :, :length], reference(values[row : row + 1, :, :length])
        )
    assert out[1, :, 2:].eq(0).all()

"""Learned sums of layers: the softmax weights, the norm before them, what of statistics is kept."""

import pytest
import torch
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.sequence.layer_mix import LayerMix

VALUES = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
STREAM = Stream(VALUES, torch.tensor([[True] * 5, [True, True, False, False, False]]))


def mixed(**options) -> tuple[LayerMix, torch.Tensor]:
    encoder = LayerMix(4, 3, **options)
    with torch.no_grad():
        encoder.mix.scores.copy_(torch.tensor([0.0, 1.0, 2.0]).log1p())
    return encoder, encoder(STREAM).values


def test_layers_start_alike_and_are_weighed_by_a_softmax() -> None:
    real = STREAM.mask[..., None]
    torch.testing.assert_close(LayerMix(4, 3)(STREAM).values, VALUES.mean(dim=2) * real)
    encoder, values = mixed()
    torch.testing.assert_close(encoder.mix.weights, torch.tensor([1.0, 2.0, 3.0]) / 6)
    expected = (VALUES[:, :, 0] + 2 * VALUES[:, :, 1] + 3 * VALUES[:, :, 2]) / 6
    torch.testing.assert_close(values, expected * real)


def test_the_norm_is_that_of_each_layers_vector() -> None:
    _, values = mixed(normalise=True)
    weights = torch.tensor([1.0, 2.0, 3.0])[:, None] / 6
    expected = (F.layer_norm(VALUES, (4,)) * weights).sum(dim=2)
    torch.testing.assert_close(values, expected * STREAM.mask[..., None])


def test_means_are_the_first_half_of_statistics() -> None:
    encoder, values = mixed(keep="means")
    assert encoder.output_size == 2
    torch.testing.assert_close(values, mixed()[1][..., :2])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(MmserError, match="layers of 2 or more; found 1"):
        LayerMix(4, 1)
    with pytest.raises(MmserError, match=r"for keep=means: .*; found 5 features"):
        LayerMix(5, 3, keep="means")
    with pytest.raises(MmserError, match=r"7 layers at each step; found .*\(2, 5, 3, 4\)"):
        LayerMix(4, 7)(STREAM)

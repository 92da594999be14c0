"""The encoders of the attention comparison: time mixing as released, masked
convolution by default.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.sequence.mixed_bigru import MixedBiGRU


def test_time_mixing_is_a_convolution_with_time_as_channels() -> None:
    torch.manual_seed(0)
    encoder = MixedBiGRU(6, layout="released", steps=10, mixed_steps=4)
    reference = nn.Conv1d(10, 4, 1)
    reference.load_state_dict(
        {"weight": encoder.mixing.weight[..., None], "bias": encoder.mixing.bias}
    )
    values = torch.randn(2, 10, 6)
    torch.testing.assert_close(encoder._mixed(values), reference(values), atol=1e-6, rtol=0)
    one = torch.zeros(1, 10, 6)
    one[0, 7] = values[0, 7]
    weight, bias = encoder.mixing.weight, encoder.mixing.bias
    torch.testing.assert_close(
        encoder._mixed(one)[0], bias[:, None] + weight[:, 7, None] * values[0, 7]
    )


def test_released_layout_hears_padding_and_the_masked_one_does_not() -> None:
    """The flaw documented: in the released layout the fixed length moves the result."""
    stream = Stream(torch.randn(2, 7, 6), torch.arange(7) < torch.tensor([[7], [3]]))
    out = {}
    for layout, steps in (("released", 7), ("released", 20), ("masked", 7), ("masked", 20)):
        torch.manual_seed(0)
        out[layout, steps] = MixedBiGRU(6, layout=layout, steps=steps, hidden_size=4)(stream)
    assert out["released", 20].values.shape == (2, 20, 8) and out["released", 20].mask.all()
    assert not torch.allclose(
        out["released", 20].values[:, :7], out["released", 7].values, atol=1e-3
    )
    torch.testing.assert_close(out["masked", 20].values, out["masked", 7].values)


def test_masked_convolution_joins_neighbouring_steps() -> None:
    """Width and stride 2: half the rate, the odd last step with the zero beyond the end."""
    torch.manual_seed(0)
    encoder = MixedBiGRU(3, projected_size=4, stride=2, hidden_size=2)
    values, mask = torch.randn(2, 5, 3), torch.arange(5) < torch.tensor([[5], [2]])
    out = encoder(Stream(values.masked_fill(~mask[..., None], float("nan")), mask))
    assert out.mask.tolist() == [[True, True, True], [True, False, False]]
    alone = encoder(Stream(values[1:, :2], mask[1:, :2]))
    torch.testing.assert_close(out.values[1:, :1], alone.values)


def test_released_layout_cuts_and_ignores_an_absent_stream() -> None:
    torch.manual_seed(0)
    encoder = MixedBiGRU(6, layout="released", steps=5, mixed_steps=3, hidden_size=4)
    values = torch.randn(2, 9, 6)
    mask = torch.tensor([[True], [False]]).expand(2, 9)
    out = encoder(Stream(values.masked_fill(~mask[..., None], float("nan")), mask))
    cut = encoder(Stream(values[:, :5], mask[:, :5]))
    assert out.mask.tolist() == [[True] * 3, [False] * 3] and torch.isfinite(out.values).all()
    torch.testing.assert_close(out.values, cut.values)


def test_other_layouts_are_refused() -> None:
    with pytest.raises(MmserError, match="layout masked or released; found 'mixed'"):
        MixedBiGRU(4, layout="mixed")

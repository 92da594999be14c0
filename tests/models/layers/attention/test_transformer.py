"""The transformer layer against torch's own, its masks, and positions."""

import pytest
import torch
from torch import nn

from mmser.models.layers.attention.positions import sinusoid, with_positions
from mmser.models.layers.attention.transformer import TransformerLayer

MASK = torch.tensor([[True] * 5, [True, True, False, False, False]])


@pytest.mark.parametrize("pre_norm", [False, True])
def test_equals_torch_encoder_layer(pre_norm: bool) -> None:
    torch.manual_seed(0)
    ours = TransformerLayer(8, 2, 16, dropout=0.0, pre_norm=pre_norm)
    reference = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, norm_first=pre_norm, batch_first=True
    )
    attention = ours.attention
    weights = torch.cat([attention.query.weight, attention.key.weight, attention.value.weight])
    reference.self_attn.in_proj_weight.data = weights.data
    reference.self_attn.out_proj.load_state_dict(attention.out.state_dict())
    reference.linear1.load_state_dict(ours.feed_forward.inner.state_dict())
    reference.linear2.load_state_dict(ours.feed_forward.outer.state_dict())
    values = torch.randn(2, 5, 8)
    expected = reference(values, src_key_padding_mask=~MASK)
    out, _ = ours(values.masked_fill(~MASK[..., None], float("nan")), MASK)
    torch.testing.assert_close(out[MASK], expected[MASK])
    assert out[~MASK].eq(0).all()


def test_cross_attention_of_another_size() -> None:
    layer = TransformerLayer(8, 2, 16, memory_size=6).eval()
    memory = torch.full((2, 4, 6), float("nan"))
    memory[0] = torch.randn(4, 6)
    memory_mask = torch.tensor([[True] * 4, [False] * 4])
    out, weights = layer(torch.randn(2, 5, 8), MASK, memory, memory_mask, need_weights=True)
    assert out.shape == (2, 5, 8) and weights.shape == (2, 2, 5, 4)
    assert torch.isfinite(out).all() and weights[1].eq(0).all()


def test_sinusoid_by_hand() -> None:
    table = sinusoid(torch.arange(3), 4)
    torch.testing.assert_close(
        table[2],
        torch.tensor([2.0, 2.0, 0.02, 0.02])
        .sin()
        .where(
            torch.tensor([True, False, True, False]), torch.tensor([2.0, 2.0, 0.02, 0.02]).cos()
        ),
    )
    assert sinusoid(torch.tensor([100_000]), 5).shape == (1, 5)
    assert with_positions(torch.zeros(1, 2, 6)).dtype == torch.float32

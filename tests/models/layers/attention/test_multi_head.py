"""Attention against torch's own layer and against its naive form; rows without keys; gradients."""

import pytest
import torch
from torch import nn

from mmser.core.errors import MmserError
from mmser.models.layers.attention.multi_head import MultiHeadAttention, attend, dot_attention


def test_equals_torch_multihead_attention() -> None:
    torch.manual_seed(0)
    ours = MultiHeadAttention(16, 4)
    reference = nn.MultiheadAttention(16, 4, batch_first=True)
    reference.in_proj_weight.data = torch.cat(
        [ours.query.weight, ours.key.weight, ours.value.weight]
    ).data
    reference.in_proj_bias.data = torch.randn(48)
    for layer, bias in zip(
        (ours.query, ours.key, ours.value), reference.in_proj_bias.data.split(16), strict=True
    ):
        layer.bias.data = bias
    reference.out_proj.load_state_dict(ours.out.state_dict())
    query, key = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    mask = torch.arange(7) < torch.tensor([[7], [4]])
    expected, weights = reference(
        query, key, key, key_padding_mask=~mask, average_attn_weights=False
    )
    fused, none = ours(query, key.masked_fill(~mask[..., None], float("nan")), mask)
    explicit, ours_weights = ours(query, key, mask, need_weights=True)
    assert none is None
    torch.testing.assert_close(fused, expected)
    torch.testing.assert_close(explicit, expected)
    torch.testing.assert_close(ours_weights, weights)


@pytest.mark.parametrize("need_weights", [False, True])
def test_row_without_keys_gives_zeros_and_finite_gradients(need_weights: bool) -> None:
    layer = MultiHeadAttention(8, 2)
    query = torch.randn(2, 3, 8, requires_grad=True)
    key = torch.full((2, 4, 8), float("nan"))
    key[0] = torch.randn(4, 8)
    mask = torch.tensor([[True] * 4, [False] * 4])
    out, weights = layer(query, key, mask, need_weights=need_weights)
    out.sum().backward()
    assert out[1].eq(0).all() and out[0].ne(0).all()
    assert weights is None or weights[1].eq(0).all()
    assert torch.isfinite(query.grad).all() and query.grad[1].eq(0).all()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters() if p.grad is not None)


def test_mask_per_query() -> None:
    query = torch.randn(1, 2, 3, 4)
    causal = torch.ones(3, 3).tril().bool()[None]
    out, _ = attend(query, query, query, causal)
    torch.testing.assert_close(out[:, :, 0], query[:, :, 0])
    explicit, weights = attend(query, query, query, causal, need_weights=True)
    torch.testing.assert_close(out, explicit)
    assert weights is not None and weights[..., 0, 1:].eq(0).all()


def test_weight_dropout_acts_in_training_only() -> None:
    layer = MultiHeadAttention(8, 2, dropout=0.5)
    query, mask = torch.randn(1, 6, 8), torch.ones(1, 6, dtype=torch.bool)
    assert not torch.equal(layer(query, query, mask)[0], layer(query, query, mask)[0])
    layer.eval()
    assert torch.equal(layer(query, query, mask)[0], layer(query, query, mask)[0])


def test_size_must_divide() -> None:
    with pytest.raises(MmserError, match="divisible by the number of heads; found 10 / 4"):
        MultiHeadAttention(10, 4)


def test_dot_attention_by_hand() -> None:
    values = torch.tensor(
        [[[0.0, 1.0], [torch.log(torch.tensor(3.0)), 2.0], [float("nan"), float("nan")]]]
    )
    mask = torch.tensor([[True, True, False]])
    vector, weights = dot_attention(torch.tensor([[1.0, 0.0]]), values, mask)
    torch.testing.assert_close(weights, torch.tensor([[0.25, 0.75, 0.0]]))
    torch.testing.assert_close(vector[0, 1], torch.tensor(1.75))

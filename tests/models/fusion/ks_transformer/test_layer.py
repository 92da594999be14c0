"""Key-sparse attention with its projections, heads and options."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmser.models.fusion.ks_transformer.layer import KeySparseAttention


@pytest.mark.parametrize(("valid", "survivors"), [(8, 8), (15, 10)])
def test_released_padding_keeps_half_of_the_padded_length(valid: int, survivors: int) -> None:
    torch.manual_seed(0)
    attention = KeySparseAttention(16, 4, count_padding=True).eval()
    query, key = torch.randn(2, 6, 16), torch.randn(2, 20, 16)
    key_mask = (torch.arange(20) < valid).expand(2, -1)
    _, weights = attention(
        query, key, key, torch.ones(2, 6, dtype=torch.bool), key_mask, need_weights=True
    )
    assert (weights.sum(dim=2) > 0).sum(dim=-1).eq(survivors).all()


@pytest.mark.parametrize("renormalise", [False, True])
def test_attention_by_hand(renormalise: bool) -> None:
    """One head, no padding: softmax, column sums, the better half, the rest of the weights zero."""
    torch.manual_seed(0)
    made = KeySparseAttention(6, 1, key_size=4, renormalise=renormalise)
    query, key, value = torch.randn(1, 5, 6), torch.randn(1, 7, 4), torch.randn(1, 7, 4)
    masks = torch.ones(1, 5, dtype=torch.bool), torch.ones(1, 7, dtype=torch.bool)
    found, told = made(query, key, value, *masks, need_weights=True)
    weights = (made.query(query) @ made.key(key).transpose(1, 2) / 6**0.5).softmax(dim=-1)
    kept = weights[0].sum(dim=0).argsort(descending=True)[:3]
    cut = torch.zeros_like(weights)
    cut[..., kept] = weights[..., kept]
    if renormalise:
        cut = cut / cut.sum(dim=-1, keepdim=True)
    torch.testing.assert_close(told[:, 0], cut)
    torch.testing.assert_close(found, made.out(cut @ made.value(value)))


def test_keeping_all_keys_is_plain_attention() -> None:
    torch.manual_seed(0)
    made, reference = (
        KeySparseAttention(8, 2, keep=1.0),
        nn.MultiheadAttention(8, 2, batch_first=True),
    )
    with torch.no_grad():
        reference.in_proj_weight.copy_(
            torch.cat([made.query.weight, made.key.weight, made.value.weight])
        )
        reference.in_proj_bias.copy_(torch.cat([made.query.bias, made.key.bias, made.value.bias]))
    reference.out_proj = made.out
    x, mask = torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(
        made(x, x, x, mask, mask)[0], reference(x, x, x)[0], atol=1e-6, rtol=0
    )


def test_permuting_queries_permutes_rows_and_leaves_the_kept_keys() -> None:
    torch.manual_seed(0)
    made, order = KeySparseAttention(8, 2), torch.tensor([4, 1, 5, 0, 3, 2])
    query, key = torch.randn(2, 6, 8), torch.randn(2, 9, 8)
    masks = (
        torch.arange(6) < torch.tensor([6, 4])[:, None],
        torch.arange(9) < torch.tensor([9, 5])[:, None],
    )
    out, weights = made(query, key, key, *masks, need_weights=True)
    again, told = made(query[:, order], key, key, masks[0][:, order], masks[1], need_weights=True)
    torch.testing.assert_close(again, out[:, order], atol=1e-6, rtol=0)
    torch.testing.assert_close(told, weights[:, :, order], atol=1e-6, rtol=0)

"""Key-sparse attention: only the most attended keys contribute.

Source: Chen et al., ICASSP 2022, arXiv 2106.11532.

A key's importance is the attention it receives, summed over the queries of its head; the top share
``keep`` of the keys survives and the weights of the others are zeroed without renormalising::

    W = softmax(Q K^T / sqrt(d));  s_j = sum_i W_ij
    out = (W * [s_j >= tau]) V,    tau = the k-th largest s_j

Zeroing columns of W equals plain attention whose dropped keys have value rows of zero, gradients
included (the softmax Jacobian still reaches the scores of dropped keys, nothing flows through s or
tau). So the work is: column sums in blocks of queries, a threshold, one call of
scaled_dot_product_attention; no (query, key) matrix is ever kept.

Differs: k counts the valid keys, k = max(1, floor(keep * valid)); padded queries cast no vote and
padded keys are never kept (in the released code padding counts and votes; ``released_padding``
reproduces that).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.models.fusion.ks_transformer.kernel_tiles import has_kernels
from mmser.models.layers.masks.padding import masked_softmax

BLOCK_ELEMENTS = 1 << 18
"""Scores held at once while column sums are taken on the CPU: 1 MiB of float32 stays inside a
core's cache.
"""

DEVICE_BLOCK_ELEMENTS = 1 << 24
"""The same on a device: enough to keep it busy."""

MASKED = -1e30
"""Score of a padded key: its weight underflows to zero, and a row of nothing else stays finite."""

TIE = 1e-6
"""Relative width of a tie at the threshold; sums of equal columns may differ by rounding and are
all kept.
"""


def key_sparse_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    query_mask: Tensor,
    key_mask: Tensor,
    keep: float = 0.5,
    dropout: float = 0.0,
    released_padding: bool = False,
) -> tuple[Tensor, Tensor]:
    """Attend to the most important keys alone.

    ``query`` is (batch, head, query, feature), ``key`` and ``value`` (batch, head, key, feature),
    the masks (batch, query) and (batch, key) bool. Returns the output (batch, head, query,
    feature), zero where a row has no valid key, and the kept keys (batch, head, key) bool.
    ``dropout`` acts on the weights, after the selection. What stands in padded positions has no
    influence but must be finite, as it is after a layer that filled its input: a copy of query and
    key made to guarantee it would cost as much memory as the attention itself.
    """
    voters = torch.ones_like(query_mask) if released_padding else query_mask
    if has_kernels(query, key) and value.shape == key.shape and value.dtype == key.dtype:
        from mmser.models.fusion.ks_transformer.key_sparse_cuda import key_sparse_cuda

        return key_sparse_cuda(
            query, key, value, voters, key_mask, keep, 1.0 - TIE, dropout, released_padding
        )
    counted = torch.ones_like(key_mask) if released_padding else key_mask
    sums = column_sums(query, key, voters, key_mask)
    survivors = kept_keys(sums, key_mask, counted.sum(dim=1), keep)
    value = value.masked_fill(~survivors[..., None], 0.0)
    # A row without any valid key attends everywhere, to values that are all zero: finite, and zero.
    attended = key_mask | ~key_mask.any(dim=1, keepdim=True)
    out = F.scaled_dot_product_attention(
        query, key, value, attended[:, None, None, :], dropout_p=dropout
    )
    return out, survivors


@torch.no_grad()
def column_sums(query: Tensor, key: Tensor, query_mask: Tensor, key_mask: Tensor) -> Tensor:
    """Attention each key receives from the valid queries of its head: (batch, head, key) float32.

    Exact, in memory linear in the lengths: fused kernels on CUDA where there are some, otherwise
    blocks of queries, which keep float64.
    """
    if has_kernels(query, key):
        from mmser.models.fusion.ks_transformer.key_sparse_cuda import column_sums_cuda

        return column_sums_cuda(query, key, query_mask, key_mask)[0]
    if torch.compiler.is_exporting():
        return _plain_sums(query, key, query_mask, key_mask)
    return _blocked_sums(query, key, query_mask, key_mask)


def _plain_sums(query: Tensor, key: Tensor, query_mask: Tensor, key_mask: Tensor) -> Tensor:
    """All queries at once, without loops: a file for other runtimes cannot hold the blocks."""
    scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
    weights = masked_softmax(scores, key_mask[:, None, None, :])
    return weights.masked_fill(~query_mask[:, None, :, None], 0.0).sum(dim=2)


def _blocked_sums(query: Tensor, key: Tensor, query_mask: Tensor, key_mask: Tensor) -> Tensor:
    batch, heads, queries, size = query.shape
    keys = key.shape[2]
    kind = query.dtype if query.dtype == torch.float64 else torch.float32
    # The key mask rides along as one more feature, so the product itself yields masked scores.
    absent = key.new_zeros(batch, 1, keys, 1, dtype=kind).masked_fill_(
        ~key_mask[:, None, :, None], MASKED
    )
    columns = (
        torch.cat([key.to(kind), absent.expand(-1, heads, -1, -1)], dim=-1)
        .flatten(0, 1)
        .transpose(1, 2)
    )
    rows = query.flatten(0, 1)
    votes = query_mask.to(kind).repeat_interleave(heads, dim=0)[:, None, :]
    sums = key.new_zeros(batch * heads, 1, keys, dtype=kind)
    held = DEVICE_BLOCK_ELEMENTS if query.is_cuda else BLOCK_ELEMENTS
    block = min(queries, max(1, held // max(1, batch * heads * keys)))
    scores, weights = (key.new_empty(batch * heads, block, keys, dtype=kind) for _ in range(2))
    for start in range(0, queries, block):
        here = slice(0, min(block, queries - start))
        scaled = F.pad(rows[:, start : start + block].to(kind) * size**-0.5, (0, 1), value=1.0)
        torch.bmm(scaled, columns, out=scores[:, here])
        torch.softmax(scores[:, here], dim=-1, out=weights[:, here])
        sums.baddbmm_(votes[:, :, start : start + block], weights[:, here])
    return sums.reshape(batch, heads, keys).masked_fill(~key_mask[:, None, :], 0.0)


def kept_keys(sums: Tensor, key_mask: Tensor, counts: Tensor, keep: float) -> Tensor:
    """The most important keys: (batch, head, key) bool.

    ``counts`` (batch,) is the number of keys of which the share ``keep`` survives, at least one;
    ties at the threshold all survive; a padded key never does.
    """
    ranked = sums.masked_fill(~key_mask[:, None, :], -1.0)
    survivors = (counts * keep).floor().long().clamp(min=1, max=sums.shape[-1])
    rank = (survivors - 1)[:, None, None].expand(-1, sums.shape[1], 1)
    threshold = ranked.sort(dim=-1, descending=True).values.gather(-1, rank)
    return (ranked >= threshold * (1.0 - TIE)) & key_mask[:, None, :]

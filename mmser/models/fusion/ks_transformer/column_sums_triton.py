"""Column sums of softmax attention on CUDA: two fused kernels, no (query, key) matrix in memory.

The first pass takes each query's log-sum-exp over the keys, block by block; the second recomputes
the scores of a block of keys and adds ``exp(score - logsumexp)`` over all queries. Together they
cost two score products, about what the forward pass of plain attention costs, and need (batch,
head, query + key) floats.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK_QUERY = 64
BLOCK_KEY = 64


@triton.jit
def _row_logsumexp(q, k, key_mask, out, heads, queries, keys, scale,  # type: ignore[no-untyped-def]
                   SIZE: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr):  # fmt: skip  # noqa: N803
    row, head = tl.program_id(0), tl.program_id(1)
    feature = tl.arange(0, SIZE)
    index = row * BLOCK_Q + tl.arange(0, BLOCK_Q)
    inside = index < queries
    at = head.to(tl.int64)
    block_q = tl.load(
        q + at * queries * SIZE + index[:, None] * SIZE + feature[None, :], inside[:, None], 0.0
    )
    peak = tl.full([BLOCK_Q], -1e30, tl.float32)
    total = tl.zeros([BLOCK_Q], tl.float32)
    for start in range(0, keys, BLOCK_K):
        column = start + tl.arange(0, BLOCK_K)
        held = column < keys
        block_k = tl.load(
            k + at * keys * SIZE + column[:, None] * SIZE + feature[None, :], held[:, None], 0.0
        )
        valid = tl.load(key_mask + (at // heads) * keys + column, held, 0) != 0
        score = tl.dot(block_q, tl.trans(block_k), input_precision="ieee") * scale
        score = tl.where(valid[None, :], score, -1e30)
        new_peak = tl.maximum(peak, tl.max(score, 1))
        weight = tl.where(valid[None, :], tl.exp(score - new_peak[:, None]), 0.0)
        total = total * tl.exp(peak - new_peak) + tl.sum(weight, 1)
        peak = new_peak
    tl.store(out + at * queries + index, peak + tl.log(tl.maximum(total, 1e-30)), inside)


@triton.jit
def _sum_over_queries(q, k, query_mask, key_mask, logsumexp, out, heads, queries, keys, scale,  # type: ignore[no-untyped-def]
                      SIZE: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr):  # fmt: skip  # noqa: E501, N803
    part, head = tl.program_id(0), tl.program_id(1)
    feature = tl.arange(0, SIZE)
    column = part * BLOCK_K + tl.arange(0, BLOCK_K)
    held = column < keys
    at = head.to(tl.int64)
    block_k = tl.load(
        k + at * keys * SIZE + column[:, None] * SIZE + feature[None, :], held[:, None], 0.0
    )
    valid = tl.load(key_mask + (at // heads) * keys + column, held, 0) != 0
    total = tl.zeros([BLOCK_K], tl.float32)
    for start in range(0, queries, BLOCK_Q):
        index = start + tl.arange(0, BLOCK_Q)
        inside = index < queries
        block_q = tl.load(
            q + at * queries * SIZE + index[:, None] * SIZE + feature[None, :], inside[:, None], 0.0
        )
        votes = tl.load(query_mask + (at // heads) * queries + index, inside, 0) != 0
        norm = tl.load(logsumexp + at * queries + index, inside, 0.0)
        score = tl.dot(block_q, tl.trans(block_k), input_precision="ieee") * scale
        use = votes[:, None] & valid[None, :]
        total += tl.sum(tl.where(use, tl.exp(tl.where(use, score - norm[:, None], 0.0)), 0.0), 0)
    tl.store(out + at * keys + column, total, held)


def column_sums_cuda(query: Tensor, key: Tensor, query_mask: Tensor, key_mask: Tensor) -> Tensor:
    """query and key (batch, head, time, feature), masks -> sums (batch, head, key) float32.

    A head size that is no power of two of at least 16 is padded with zeros, which leaves every
    score as it is.
    """
    batch, heads, queries, size = query.shape
    keys = key.shape[2]
    padded = max(16, triton.next_power_of_2(size))
    query = torch.nn.functional.pad(query, (0, padded - size)).contiguous()
    key = torch.nn.functional.pad(key, (0, padded - size)).contiguous()
    query_votes = query_mask.to(torch.int8).contiguous()
    key_valid = key_mask.to(torch.int8).contiguous()
    logsumexp = torch.empty(batch, heads, queries, device=query.device, dtype=torch.float32)
    sums = torch.empty(batch, heads, keys, device=query.device, dtype=torch.float32)
    shape = (heads, queries, keys, size**-0.5, padded, BLOCK_QUERY, BLOCK_KEY)
    _row_logsumexp[(triton.cdiv(queries, BLOCK_QUERY), batch * heads)](
        query, key, key_valid, logsumexp, *shape
    )
    _sum_over_queries[(triton.cdiv(keys, BLOCK_KEY), batch * heads)](
        query, key, query_votes, key_valid, logsumexp, sums, *shape
    )
    return sums

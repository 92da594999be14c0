"""Column sums of softmax attention on CUDA: two fused kernels, no (query, key) matrix in memory.

The first takes each query's log-sum-exp over the keys, block by block; the second recomputes the
scores of a block of keys and adds ``exp(score - logsumexp)`` over all queries. Sums are added in a
fixed order: a second run gives the same bits. Logarithms are to the base 2.
"""

from __future__ import annotations

import triton
import triton.language as tl

LENGTHS = ("heads", "queries", "keys")
"""Arguments whose values shall not make a kernel be compiled anew."""


@triton.jit
def head_start(program, heads, batch_stride, head_stride):  # type: ignore[no-untyped-def]
    """Offset of the head that a program works on."""
    return (program // heads).to(tl.int64) * batch_stride + (program % heads) * head_stride


@triton.jit
def rows(start, index, stride, inside, SIZE: tl.constexpr, WIDTH: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """Rows ``index`` of a matrix as (row, WIDTH); zero outside and beyond SIZE features."""
    feature = tl.arange(0, WIDTH)
    held = inside[:, None]
    if WIDTH != SIZE:
        held = held & (feature < SIZE)[None, :]
    return tl.load(start + index[:, None] * stride + feature[None, :], held, 0.0)


@triton.jit
def _end(mask, length):  # type: ignore[no-untyped-def]
    """The steps up to the last real one."""
    end = 0
    for start in range(0, length, 1024):
        step = start + tl.arange(0, 1024)
        real = tl.load(mask + step, step < length, 0) != 0
        end = tl.maximum(end, tl.max(tl.where(real, step + 1, 0), 0))
    return end


@triton.jit(do_not_specialize=LENGTHS)
def row_logsumexp(q, k, key_mask, out, heads, queries, keys, factor,  # type: ignore[no-untyped-def]
                  q_batch, q_head, q_row, k_batch, k_head, k_row,
                  SIZE: tl.constexpr, WIDTH: tl.constexpr, PRECISION: tl.constexpr,  # noqa: N803
                  BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr):  # fmt: skip  # noqa: N803
    """``factor`` turns a product of query and key into a score times log2(e)."""
    head = tl.program_id(1)
    index = tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    q += head_start(head, heads, q_batch, q_head)
    k += head_start(head, heads, k_batch, k_head)
    key_mask += (head // heads).to(tl.int64) * keys
    block_q = rows(q, index, q_row, index < queries, SIZE, WIDTH)
    peak = tl.full([BLOCK_Q], -1e30, tl.float32)
    total = tl.zeros([BLOCK_Q], tl.float32)
    for start in range(0, _end(key_mask, keys), BLOCK_K):
        column = start + tl.arange(0, BLOCK_K)
        held = column < keys
        block_k = rows(k, column, k_row, held, SIZE, WIDTH)
        valid = tl.load(key_mask + column, held, 0) != 0
        score = tl.dot(block_q, tl.trans(block_k), input_precision=PRECISION)
        score = tl.where(valid[None, :], score, -1e30)
        new_peak = tl.maximum(peak, tl.max(score, 1) * factor)
        # Masked keys count until a row meets its first valid one, which shrinks their sum to zero.
        weight = tl.exp2(score * factor - new_peak[:, None])
        total = total * tl.exp2(peak - new_peak) + tl.sum(weight, 1)
        peak = new_peak
    tl.store(out + head.to(tl.int64) * queries + index, peak + tl.log2(total), index < queries)


@triton.jit(do_not_specialize=LENGTHS)
def sum_over_queries(q, k, query_mask, key_mask, logsumexp, out, heads, queries, keys, factor,  # type: ignore[no-untyped-def]
                     q_batch, q_head, q_row, k_batch, k_head, k_row,
                     SIZE: tl.constexpr, WIDTH: tl.constexpr, PRECISION: tl.constexpr,  # noqa: N803
                     BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr):  # fmt: skip  # noqa: N803
    """Padded keys get 0."""
    head = tl.program_id(1)
    first = tl.program_id(0) * BLOCK_K
    column = first + tl.arange(0, BLOCK_K)
    held = column < keys
    q += head_start(head, heads, q_batch, q_head)
    k += head_start(head, heads, k_batch, k_head)
    query_mask += (head // heads).to(tl.int64) * queries
    key_mask += (head // heads).to(tl.int64) * keys
    logsumexp += head.to(tl.int64) * queries
    block_k = rows(k, column, k_row, held, SIZE, WIDTH)
    valid = tl.load(key_mask + column, held, 0) != 0
    total = tl.zeros([BLOCK_K], tl.float32)
    last = 0
    if first < _end(key_mask, keys):
        last = _end(query_mask, queries)
    for start in range(0, last, BLOCK_Q):
        index = start + tl.arange(0, BLOCK_Q)
        inside = index < queries
        block_q = rows(q, index, q_row, inside, SIZE, WIDTH)
        votes = tl.load(query_mask + index, inside, 0) != 0
        # The weights of a query without a vote vanish under an infinite norm.
        norm = tl.where(votes, tl.load(logsumexp + index, inside, 0.0), float("inf"))
        score = tl.dot(block_k, tl.trans(block_q), input_precision=PRECISION)
        total += tl.sum(tl.exp2(score * factor - norm[None, :]), 1)
    tl.store(out + head.to(tl.int64) * keys + column, tl.where(valid, total, 0.0), held)

"""Attention to the kept keys of a head, on CUDA: forward, and backward with the dropped keys' part.

The log-sum-exp over all keys is known, so the forward pass takes ``exp(score - logsumexp)`` of the
kept keys alone, without a running maximum. Backward, with D_i = <dO_i, O_i>::

    dS_ij = P_ij (<dO_i, V_j> - D_i)   for a kept key j
    dS_ij = -P_ij D_i                  for a dropped one, which the softmax divides by all the same

``order`` (head, key) lists the kept keys first, then the dropped ones, then padding; ``extents``
(head, 2) counts the kept and the valid ones. Dropout on the weights is drawn anew from the same
seed in each pass. Strides are those of query (q), of key and value (k), of the output and what has
its shape (o), and of the gradients of key and value (g). Every sum is taken in a fixed order: a
second run gives the same bits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from mmser.models.fusion.ks_transformer.column_sums_triton import LENGTHS, head_start, rows


@triton.jit
def _survival(seed, head, place, dropout):  # type: ignore[no-untyped-def]
    """What dropout multiplies the weights by: 0, or the inverse of the share that survives."""
    drawn = tl.rand(tl.load(seed) + head, place)
    return tl.where(drawn >= dropout, 1.0 / (1.0 - dropout), 0.0)


@triton.jit
def _write(start, values, index, stride, inside, SIZE: tl.constexpr, WIDTH: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """values (row, WIDTH) -> rows ``index``."""
    feature = tl.arange(0, WIDTH)
    held = inside[:, None]
    if WIDTH != SIZE:
        held = held & (feature < SIZE)[None, :]
    at = start + index[:, None] * stride + feature[None, :]
    tl.store(at, values.to(start.dtype.element_ty), held)


@triton.jit(do_not_specialize=LENGTHS)
def attend(q, k, v, logsumexp, order, extents, seed, out, heads, queries, keys, factor, dropout,  # type: ignore[no-untyped-def]
           q_batch, q_head, q_row, k_batch, k_head, k_row, o_batch, o_head, o_row,
           SIZE: tl.constexpr, WIDTH: tl.constexpr, PRECISION: tl.constexpr, DROP: tl.constexpr,  # noqa: N803
           BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr):  # fmt: skip  # noqa: N803
    """A block of queries over the kept keys."""
    head = tl.program_id(1)
    index = tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    inside = index < queries
    q_start = head_start(head, heads, q_batch, q_head)
    k_start = head_start(head, heads, k_batch, k_head)
    order += head.to(tl.int64) * keys
    kept = tl.load(extents + head * 2)
    block_q = rows(q + q_start, index, q_row, inside, SIZE, WIDTH)
    norm = tl.load(logsumexp + head.to(tl.int64) * queries + index, inside, 0.0)
    total = tl.zeros([BLOCK_Q, WIDTH], tl.float32)
    for start in range(0, kept, BLOCK_K):
        place = start + tl.arange(0, BLOCK_K)
        held = place < kept
        column = tl.load(order + place, held, 0)
        block_k = rows(k + k_start, column, k_row, held, SIZE, WIDTH)
        block_v = rows(v + k_start, column, k_row, held, SIZE, WIDTH)
        score = tl.dot(block_q, tl.trans(block_k), input_precision=PRECISION)
        weight = tl.where(held[None, :], tl.exp2(score * factor - norm[:, None]), 0.0)
        if DROP:
            weight *= _survival(seed, head, index[:, None] * keys + column[None, :], dropout)
        total = tl.dot(weight.to(block_v.dtype), block_v, total, input_precision=PRECISION)
    out += head_start(head, heads, o_batch, o_head)
    _write(out, total, index, o_row, inside, SIZE, WIDTH)


@triton.jit(do_not_specialize=LENGTHS)
def grad_query(q, k, v, out, grad_out, logsumexp, order, extents, seed, delta, grad_q,  # type: ignore[no-untyped-def]
               heads, queries, keys, factor, scale, dropout,
               q_batch, q_head, q_row, k_batch, k_head, k_row, o_batch, o_head, o_row,
               SIZE: tl.constexpr, WIDTH: tl.constexpr, PRECISION: tl.constexpr,  # noqa: N803
               DROP: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr):  # fmt: skip  # noqa: N803
    """A block of queries: D and the gradient of the query."""
    head = tl.program_id(1)
    index = tl.program_id(0) * BLOCK_Q + tl.arange(0, BLOCK_Q)
    inside = index < queries
    q_start = head_start(head, heads, q_batch, q_head)
    k_start = head_start(head, heads, k_batch, k_head)
    o_start = head_start(head, heads, o_batch, o_head)
    order += head.to(tl.int64) * keys
    kept, valid = tl.load(extents + head * 2), tl.load(extents + head * 2 + 1)
    block_q = rows(q + q_start, index, q_row, inside, SIZE, WIDTH)
    block_out = rows(out + o_start, index, o_row, inside, SIZE, WIDTH)
    block_grad = rows(grad_out + o_start, index, o_row, inside, SIZE, WIDTH)
    norm = tl.load(logsumexp + head.to(tl.int64) * queries + index, inside, 0.0)
    share = tl.sum(block_out.to(tl.float32) * block_grad.to(tl.float32), 1)
    tl.store(delta + head.to(tl.int64) * queries + index, share, inside)
    total = tl.zeros([BLOCK_Q, WIDTH], tl.float32)
    for start in range(0, kept, BLOCK_K):
        place = start + tl.arange(0, BLOCK_K)
        held = place < kept
        column = tl.load(order + place, held, 0)
        block_k = rows(k + k_start, column, k_row, held, SIZE, WIDTH)
        block_v = rows(v + k_start, column, k_row, held, SIZE, WIDTH)
        score = tl.dot(block_q, tl.trans(block_k), input_precision=PRECISION)
        weight = tl.where(held[None, :], tl.exp2(score * factor - norm[:, None]), 0.0)
        towards = tl.dot(block_grad, tl.trans(block_v), input_precision=PRECISION)
        if DROP:
            towards *= _survival(seed, head, index[:, None] * keys + column[None, :], dropout)
        change = (weight * (towards - share[:, None])).to(block_k.dtype)
        total = tl.dot(change, block_k, total, input_precision=PRECISION)
    for start in range(kept, valid, BLOCK_K):
        place = start + tl.arange(0, BLOCK_K)
        held = place < valid
        column = tl.load(order + place, held, 0)
        block_k = rows(k + k_start, column, k_row, held, SIZE, WIDTH)
        score = tl.dot(block_q, tl.trans(block_k), input_precision=PRECISION)
        weight = tl.where(held[None, :], tl.exp2(score * factor - norm[:, None]), 0.0)
        change = (weight * -share[:, None]).to(block_k.dtype)
        total = tl.dot(change, block_k, total, input_precision=PRECISION)
    _write(grad_q + o_start, total * scale, index, o_row, inside, SIZE, WIDTH)


@triton.jit(do_not_specialize=LENGTHS)
def grad_key(q, k, v, grad_out, logsumexp, delta, order, extents, seed, grad_k, grad_v,  # type: ignore[no-untyped-def]
             heads, queries, keys, factor, scale, dropout,
             q_batch, q_head, q_row, k_batch, k_head, k_row, o_batch, o_head, o_row,
             g_batch, g_head, g_row,
             SIZE: tl.constexpr, WIDTH: tl.constexpr, PRECISION: tl.constexpr,  # noqa: N803
             DROP: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr):  # fmt: skip  # noqa: N803
    """A block of keys in their order: the gradients of key and value, zero where they have none."""
    head = tl.program_id(1)
    first = tl.program_id(0) * BLOCK_K
    place = first + tl.arange(0, BLOCK_K)
    q_start = head_start(head, heads, q_batch, q_head)
    k_start = head_start(head, heads, k_batch, k_head)
    o_start = head_start(head, heads, o_batch, o_head)
    g_start = head_start(head, heads, g_batch, g_head)
    logsumexp += head.to(tl.int64) * queries
    delta += head.to(tl.int64) * queries
    kept, valid = tl.load(extents + head * 2), tl.load(extents + head * 2 + 1)
    column = tl.load(order + head.to(tl.int64) * keys + place, place < keys, 0)
    block_k = rows(k + k_start, column, k_row, place < valid, SIZE, WIDTH)
    total_k = tl.zeros([BLOCK_K, WIDTH], tl.float32)
    total_v = tl.zeros([BLOCK_K, WIDTH], tl.float32)
    if first < kept:
        # The value rows of dropped keys are zero, and so is what they send to the scores.
        block_v = rows(v + k_start, column, k_row, place < kept, SIZE, WIDTH)
        for start in range(0, queries, BLOCK_Q):
            index = start + tl.arange(0, BLOCK_Q)
            inside = index < queries
            block_q = rows(q + q_start, index, q_row, inside, SIZE, WIDTH)
            block_grad = rows(grad_out + o_start, index, o_row, inside, SIZE, WIDTH)
            norm = tl.load(logsumexp + index, inside, float("inf"))
            share = tl.load(delta + index, inside, 0.0)
            score = tl.dot(block_k, tl.trans(block_q), input_precision=PRECISION)
            weight = tl.exp2(score * factor - norm[None, :])
            towards = tl.dot(block_v, tl.trans(block_grad), input_precision=PRECISION)
            through = weight
            if DROP:
                survival = _survival(seed, head, index[None, :] * keys + column[:, None], dropout)
                through = weight * survival
                towards = towards * survival
            total_v = tl.dot(
                through.to(block_grad.dtype), block_grad, total_v, input_precision=PRECISION
            )
            change = (weight * (towards - share[None, :])).to(block_q.dtype)
            total_k = tl.dot(change, block_q, total_k, input_precision=PRECISION)
    elif first < valid:
        for start in range(0, queries, BLOCK_Q):
            index = start + tl.arange(0, BLOCK_Q)
            inside = index < queries
            block_q = rows(q + q_start, index, q_row, inside, SIZE, WIDTH)
            norm = tl.load(logsumexp + index, inside, float("inf"))
            share = tl.load(delta + index, inside, 0.0)
            score = tl.dot(block_k, tl.trans(block_q), input_precision=PRECISION)
            weight = tl.exp2(score * factor - norm[None, :])
            change = (weight * -share[None, :]).to(block_q.dtype)
            total_k = tl.dot(change, block_q, total_k, input_precision=PRECISION)
    held = place < keys
    total_k = tl.where((place < valid)[:, None], total_k * scale, 0.0)
    total_v = tl.where((place < kept)[:, None], total_v, 0.0)
    _write(grad_k + g_start, total_k, column, g_row, held, SIZE, WIDTH)
    _write(grad_v + g_start, total_v, column, g_row, held, SIZE, WIDTH)

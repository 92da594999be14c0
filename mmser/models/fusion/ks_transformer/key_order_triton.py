"""Which keys a head keeps, and a list of all its keys, on CUDA.

The list has the kept keys first, then the dropped ones, then padding. Short keys are ranked in one
pass: a block of queries holds its scores of all keys on chip, so that the log-sum-exp, the column
sums and the list take a single kernel. Sums are added in a fixed order: a second run gives the same
bits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from mmser.models.fusion.ks_transformer.column_sums_triton import LENGTHS, head_start, rows


@triton.jit
def _bits(sums, key_mask, start, keys, CHUNK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """Bits of the sums of a chunk of keys, which order as the sums do; -1 at padded keys."""
    column = start + tl.arange(0, CHUNK)
    held = column < keys
    valid = tl.load(key_mask + column, held, 0) != 0
    bits = tl.load(sums + column, held, 0.0).to(tl.int32, bitcast=True) & 0x7FFFFFFF
    return tl.where(valid, bits, -1)


@triton.jit
def _list(sums, key_mask, kept, order, extents, keys, keep, shrink,  # type: ignore[no-untyped-def]
          COUNT_PADDING: tl.constexpr, CHUNK: tl.constexpr):  # fmt: skip  # noqa: N803
    """The keys of one head, from their sums (key,): kept (key,), order (key,), and the counts of
    kept and of valid keys.

    The k-th largest sum is built from its highest bit down: a bit stays when k sums reach it.
    """
    valid = 0
    for start in range(0, keys, CHUNK):
        valid += tl.sum((_bits(sums, key_mask, start, keys, CHUNK) >= 0).to(tl.int32), 0)
    counted = valid
    if COUNT_PADDING:
        counted = keys
    survivors = tl.maximum(tl.floor(tl.cast(counted, tl.float32) * keep).to(tl.int32), 1)
    limit = valid * 0
    for step in range(31):
        trial = limit | (1 << (30 - step))
        reached = 0
        for start in range(0, keys, CHUNK):
            reached += tl.sum((_bits(sums, key_mask, start, keys, CHUNK) >= trial).to(tl.int32), 0)
        limit = tl.where(reached >= survivors, trial, limit)
    # A little below, for ties.
    lower = (tl.cast(limit, tl.float32, bitcast=True) * shrink).to(tl.int32, bitcast=True)
    limit = tl.minimum(lower, limit)
    count = 0
    for start in range(0, keys, CHUNK):
        count += tl.sum((_bits(sums, key_mask, start, keys, CHUNK) >= limit).to(tl.int32), 0)
    tl.store(extents, count)
    tl.store(extents + 1, valid)
    next_kept, next_dropped, next_padded = 0, count, valid
    for start in range(0, keys, CHUNK):
        column = start + tl.arange(0, CHUNK)
        bits = _bits(sums, key_mask, start, keys, CHUNK)
        stays = bits >= limit
        drops = (bits >= 0) & (bits < limit)
        kept_before = tl.cumsum(stays.to(tl.int32), 0)
        dropped_before = tl.cumsum(drops.to(tl.int32), 0)
        padded_before = column - start + 1 - kept_before - dropped_before
        place = tl.where(
            stays,
            next_kept + kept_before,
            tl.where(drops, next_dropped + dropped_before, next_padded + padded_before),
        )
        tl.store(order + place - 1, column, column < keys)
        tl.store(kept + column, stays.to(tl.int8), column < keys)
        next_kept += tl.sum(stays.to(tl.int32), 0)
        next_dropped += tl.sum(drops.to(tl.int32), 0)
        next_padded += CHUNK - tl.sum((bits >= 0).to(tl.int32), 0)


@triton.jit(do_not_specialize=LENGTHS)
def list_keys(sums, key_mask, kept, order, extents, heads, keys, keep, shrink,  # type: ignore[no-untyped-def]
              COUNT_PADDING: tl.constexpr, CHUNK: tl.constexpr):  # fmt: skip  # noqa: N803
    """A program per head."""
    head = tl.program_id(0).to(tl.int64)
    key_mask += (head // heads) * keys
    at = head * keys
    _list(sums + at, key_mask, kept + at, order + at, extents + head * 2, keys, keep, shrink,
          COUNT_PADDING, CHUNK)  # fmt: skip


@triton.jit(do_not_specialize=LENGTHS)
def rank_short(q, k, query_mask, key_mask, logsumexp, sums, kept, order, extents,  # type: ignore[no-untyped-def]
               heads, queries, keys, factor, keep, shrink,
               q_batch, q_head, q_row, k_batch, k_head, k_row,
               SIZE: tl.constexpr, WIDTH: tl.constexpr, PRECISION: tl.constexpr,  # noqa: N803
               COUNT_PADDING: tl.constexpr, BLOCK_Q: tl.constexpr, BLOCK_K: tl.constexpr):  # fmt: skip  # noqa: E501, N803
    """A program per head, with at most BLOCK_K keys: log-sum-exp (query,), column sums, list."""
    head = tl.program_id(0)
    column = tl.arange(0, BLOCK_K)
    held = column < keys
    q += head_start(head, heads, q_batch, q_head)
    k += head_start(head, heads, k_batch, k_head)
    query_mask += (head // heads).to(tl.int64) * queries
    key_mask += (head // heads).to(tl.int64) * keys
    logsumexp += head.to(tl.int64) * queries
    block_k = rows(k, column, k_row, held, SIZE, WIDTH)
    valid = tl.load(key_mask + column, held, 0) != 0
    total = tl.zeros([BLOCK_K], tl.float32)
    for start in range(0, queries, BLOCK_Q):
        index = start + tl.arange(0, BLOCK_Q)
        inside = index < queries
        block_q = rows(q, index, q_row, inside, SIZE, WIDTH)
        votes = tl.load(query_mask + index, inside, 0) != 0
        score = tl.dot(block_q, tl.trans(block_k), input_precision=PRECISION) * factor
        score = tl.where(valid[None, :], score, -1e30)
        peak = tl.max(score, 1)
        weight = tl.exp2(score - peak[:, None])
        norm = tl.sum(weight, 1)
        tl.store(logsumexp + index, peak + tl.log2(norm), inside)
        total += tl.sum(weight * tl.where(votes, 1.0 / norm, 0.0)[:, None], 0)
    at = head.to(tl.int64) * keys
    tl.store(sums + at + column, tl.where(valid, total, 0.0), held)
    # All threads read the sums that each has written.
    tl.debug_barrier()
    _list(sums + at, key_mask, kept + at, order + at, extents + head * 2, keys, keep, shrink,
          COUNT_PADDING, BLOCK_K)  # fmt: skip

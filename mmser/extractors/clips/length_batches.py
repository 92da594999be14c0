"""Batches of similar length, bounded by their padded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def length_batches(lengths: Sequence[int], padded_limit: int) -> Iterator[list[int]]:
    """Positions grouped so that count * longest stays within ``padded_limit``; a longer item is
    alone.

    Longest first, so that memory shows at once whether it is enough.
    """
    order = sorted(range(len(lengths)), key=lambda position: -lengths[position])
    batch: list[int] = []
    for position in order:
        if batch and (len(batch) + 1) * lengths[batch[0]] > padded_limit:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def cheapest_count(lengths: Sequence[int], padded_limit: float, overhead: float) -> int:
    """How many of the first of ``lengths``, longest first, are computed together at the least cost
    for what they hold.

    A batch costs its padded size and an ``overhead``; count * longest stays within
    ``padded_limit``, but one item is always taken.
    """
    most = max(1, int(padded_limit / max(lengths[0], 1)))
    taken = np.array(lengths[:most], dtype=np.float64)
    counts = np.arange(1, len(taken) + 1)
    costs = (counts * taken[0] + overhead) / np.maximum(np.cumsum(taken), 1.0)
    # The most of those that cost the same.
    return len(taken) - int(costs[::-1].argmin())


def packed_count(lengths: Sequence[int], limit: float) -> int:
    """How many of the first of ``lengths``, longest first, stay within ``limit`` together, and
    padded to one length within twice as much; at least one.
    """
    padded = np.arange(1, len(lengths) + 1) * lengths[0]
    fits = (np.cumsum(lengths) <= limit) & (padded <= 2 * limit)
    return max(1, int(fits.sum()))

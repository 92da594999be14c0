"""Batches of similar length, bounded by their padded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


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

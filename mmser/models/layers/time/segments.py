"""Fixed-length segments of utterances: cut, computed as a batch of their own, put back in order."""

from __future__ import annotations

import torch
from torch import Tensor

from mmser.core.batch import Stream
from mmser.models.layers.masks.order import compact_order, rows_at


def segment_mask(lengths: Tensor, time: int, size: int, hop: int) -> Tensor:
    """lengths (batch,) of rows padded to ``time`` -> (batch, segment) bool: segment s covers [s *
    hop, s * hop + size).

    A segment has to fit; an utterance shorter than ``size`` has one, an absent one none.
    """
    counts = torch.where(lengths < size, 1, 1 + (lengths - size).clamp(min=0) // hop) * (
        lengths > 0
    )
    most = 1 + max(0, time - size) // hop
    return torch.arange(most, device=lengths.device) < counts[:, None]


def cut_segments(
    stream: Stream, size: int, hop: int, repeat_last: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """stream (batch, time, feature) -> segments (n, size, feature), their mask (n, size), and
    (batch, segment) bool.

    Only segments that exist are made: n is the number of True in the last. What a short utterance
    lacks is zero, or its last step repeated (then its mask is True throughout).
    """
    lengths = stream.lengths
    exists = segment_mask(lengths, stream.mask.shape[1], size, hop)
    row, place = exists.nonzero(as_tuple=True)
    values = rows_at(stream.filled(), compact_order(stream.mask)[0])
    steps = place[:, None] * hop + torch.arange(size, device=lengths.device)  # (n, size)
    last = lengths[row, None] - 1
    taken = values.flatten(0, 1).index_select(
        0, (torch.minimum(steps, last) + row[:, None] * values.shape[1]).flatten()
    )
    segments = taken.unflatten(0, (row.shape[0], size))
    if repeat_last:
        return segments, torch.ones_like(steps, dtype=torch.bool), exists
    real = steps <= last
    return segments.masked_fill(~real[..., None], 0.0), real, exists


def put_back(vectors: Tensor, exists: Tensor) -> Stream:
    """vectors (n, feature) of the segments, in order -> Stream (batch, segment, feature), zero
    where none exists.
    """
    flat = exists.flatten()
    table = torch.cat([vectors.new_zeros(1, vectors.shape[1]), vectors])
    # index_select adds whole rows in its backward, deterministically.
    return Stream(table.index_select(0, flat.cumsum(0) * flat).unflatten(0, exists.shape), exists)

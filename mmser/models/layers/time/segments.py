"""Sequences cut into segments of equal length, computed as a batch of their own, put back in rows.

Two rules say which segments a row has. *Fitting* ones start every ``hop`` steps and lie wholly
inside the row, so that a tail is dropped (`cut_segments`, `segment_grid`). *Covering* ones do not
overlap and leave no step out: a last one that is not full is padded or moved back
(`covering_starts`, `segments_at`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import filled_padding, length_mask, zero_padding

LastSegment = Literal["released", "shifted"]
"""What becomes of a last covering segment that is not full: it is followed by zeros (``released``),
or it is moved back until it is full (``shifted``, possible where there is more than one)."""


class Segments(NamedTuple):
    """The segments that exist, row after row.

    ``values`` (n, size, *feature); ``inside`` (n, size) bool: steps within the row; ``exists``
    (batch, segment) bool: which segments each row has, so that n is the number of True.
    """

    values: Tensor
    inside: Tensor
    exists: Tensor


def segment_mask(lengths: Tensor, time: int, size: int, hop: int) -> Tensor:
    """Which fitting segments exist in rows of ``lengths`` (batch,), padded to ``time``.

    Segment s covers [s * hop, s * hop + size). A row shorter than ``size`` has one segment all the
    same, an absent one none. Returns (batch, segment) bool.
    """
    further = (lengths - size).clamp(min=0) // hop
    counts = torch.where(lengths > 0, 1 + further, 0)
    most = 1 + max(0, time - size) // hop
    return length_mask(counts, most)


def cut_segments(stream: Stream, size: int, hop: int, repeat_last: bool = False) -> Segments:
    """The fitting segments of a stream (batch, time, *feature), whose gaps are closed first.

    What a short row lacks is zero, or its last step repeated (then all steps count as inside).
    """
    lengths = stream.lengths
    values = rows_at(stream.filled(), compact_order(stream.mask)[0])
    exists = segment_mask(lengths, values.shape[1], size, hop)
    starts = torch.arange(exists.shape[1], device=lengths.device) * hop
    return segments_at(values, lengths, starts.expand_as(exists), exists, size, repeat_last)


def segment_grid(
    values: Tensor, mask: Tensor, size: int, hop: int, fill: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The fitting segments as a grid, those that do not exist included.

    values (batch, time, *feature), mask (batch, time) -> (batch, segment, size, *feature) and which
    exist, (batch, segment). Gaps are closed; steps beyond a row's end hold ``fill``.
    """
    lengths = mask.sum(dim=1)
    values = rows_at(filled_padding(values, mask, fill), compact_order(mask)[0])
    exists = segment_mask(lengths, values.shape[1], size, hop)
    short = size - values.shape[1]
    if short > 0:
        values = F.pad(values, (0, 0) * (values.dim() - 2) + (0, short), value=fill)
    return values.unfold(1, size, hop).movedim(-1, 2), exists


def covering_starts(
    lengths: Tensor, size: int, last: LastSegment = "released"
) -> tuple[Tensor, Tensor]:
    """Where the ceil(length / size) covering segments of each row start, and which exist.

    lengths (batch,) -> first steps (batch, segment) long, (batch, segment) bool.
    """
    counts = torch.div(lengths + size - 1, size, rounding_mode="floor")
    numbers = torch.arange(max(1, int(counts.max())), device=lengths.device)
    starts = (numbers * size).expand(len(lengths), -1)
    if last == "shifted":
        starts = torch.minimum(starts, (lengths - size).clamp(min=0)[:, None])
    return starts, numbers < counts[:, None]


def segments_at(
    values: Tensor,
    lengths: Tensor,
    starts: Tensor,
    exists: Tensor,
    size: int,
    repeat_last: bool = False,
) -> Segments:
    """The segments that begin at ``starts`` (batch, segment), where they exist.

    values (batch, time, *feature), finite everywhere; lengths (batch,). Steps beyond a row's length
    are zero, or its last step repeated.
    """
    rows, _ = exists.nonzero(as_tuple=True)
    last = lengths[rows, None] - 1
    steps = starts[exists][:, None] + torch.arange(size, device=values.device)  # (n, size)
    inside = steps <= last
    places = torch.minimum(steps, last) + rows[:, None] * values.shape[1]
    # index_select adds whole rows in its backward, deterministically.
    contents = values.flatten(0, 1).index_select(0, places.flatten()).unflatten(0, steps.shape)
    if repeat_last:
        return Segments(contents, torch.ones_like(inside), exists)
    return Segments(zero_padding(contents, inside), inside, exists)


def put_back(results: Tensor, exists: Tensor) -> Stream:
    """One result per segment that exists, back in its row; zeros where none exists.

    results (n, *feature), exists (batch, segment) -> Stream (batch, segment, *feature).
    """
    flat = exists.flatten()
    # Row 0 of the table stands for every segment that does not exist.
    table = torch.cat([results.new_zeros(1, *results.shape[1:]), results])
    numbers = flat.cumsum(0) * flat
    return Stream(table.index_select(0, numbers).unflatten(0, exists.shape), exists)

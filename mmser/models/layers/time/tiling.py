"""Utterances covered by segments of equal length without overlap: where they start, their steps,
and back to rows.

Unlike `segments`, no step is left over: a last segment that is not full is padded or moved back.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

LastSegment = Literal["released", "shifted"]
"""What becomes of a last segment that is not full: it is followed by zeros (``released``), or it is
moved back until it is full (``shifted``, possible where there is more than one)."""


def extent(mask: Tensor) -> Tensor:
    """mask (batch, time) -> (batch,) long: the steps up to the last real one, gaps included."""
    return (torch.arange(1, mask.shape[1] + 1, device=mask.device) * mask).amax(dim=1)


def tile_starts(
    lengths: Tensor, size: int, last: LastSegment = "released"
) -> tuple[Tensor, Tensor]:
    """lengths (batch,) -> first step of each of the ceil(length / size) segments, (batch, segment),
    and which exist.
    """
    counts = torch.div(lengths + size - 1, size, rounding_mode="floor")
    numbers = torch.arange(max(1, int(counts.max())), device=lengths.device)
    starts = (numbers * size).expand(len(lengths), -1)
    if last == "shifted":
        starts = torch.minimum(starts, (lengths - size).clamp(min=0)[:, None])
    return starts, numbers < counts[:, None]


def cut_tiles(
    values: Tensor, lengths: Tensor, starts: Tensor, real: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """The segments that exist, one after the other: (kept, size, *feature), and which of their
    steps do, (kept, size).

    values (batch, time, *feature), finite everywhere; lengths (batch,); starts and real (batch,
    segment). Steps beyond a row's length are zero.
    """
    rows, _ = real.nonzero(as_tuple=True)
    index = starts[real][:, None] + torch.arange(size, device=values.device)
    inside = index < lengths[rows, None]
    taken = values[rows[:, None], index.clamp(max=values.shape[1] - 1)]
    return taken.masked_fill(~inside.reshape(inside.shape + (1,) * (values.dim() - 2)), 0.0), inside


def back_to_rows(found: Tensor, real: Tensor) -> Tensor:
    """One result per segment that exists, (kept, *feature) -> (batch, segment, *feature), zero
    where none does.
    """
    out = found.new_zeros(*real.shape, *found.shape[1:])
    out[real] = found
    return out

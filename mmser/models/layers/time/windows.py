"""Cutting a masked sequence into windows of equal length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import filled_padding, length_mask


def windows(
    values: Tensor, mask: Tensor, size: int, hop: int, fill: float = 0.0
) -> tuple[Tensor, Tensor]:
    """values (batch, time, *feature), mask (batch, time) -> (batch, window, size, *feature), mask
    (batch, window).

    Windows lie wholly within the real steps, a tail is dropped; an utterance shorter than ``size``
    gives one window, filled up with ``fill``, as are all steps that are not real.
    """
    values = rows_at(filled_padding(values, mask, fill), compact_order(mask)[0])
    lengths = mask.sum(dim=1)
    short = size - values.shape[1]
    if short > 0:
        values = F.pad(values, (0, 0) * (values.dim() - 2) + (0, short), value=fill)
    cut = values.unfold(1, size, hop).movedim(-1, 2)  # (batch, window, size, *feature)
    count = torch.where(
        lengths > 0, ((lengths - size).div(hop, rounding_mode="floor") + 1).clamp(min=1), 0
    )
    return cut, length_mask(count, cut.shape[1])

"""Cutting a masked sequence into windows of equal length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.models.layers.masking import compact_order, length_mask, rows_at, zero_padding


def windows(values: Tensor, mask: Tensor, size: int, hop: int) -> tuple[Tensor, Tensor]:
    """values (batch, time, *feature), mask (batch, time) -> (batch, window, size, *feature), mask (batch, window).

    Windows lie wholly within the real steps, a tail is dropped; an utterance shorter than ``size`` gives one window,
    filled up with zeros. Steps that are not real are zero.
    """
    values = rows_at(zero_padding(values, mask), compact_order(mask)[0])
    lengths = mask.sum(dim=1)
    short = size - values.shape[1]
    if short > 0:
        values = F.pad(values, (0, 0) * (values.dim() - 2) + (0, short))
    cut = values.unfold(1, size, hop).movedim(-1, 2)  # (batch, window, size, *feature)
    count = torch.where(lengths > 0, ((lengths - size).div(hop, rounding_mode="floor") + 1).clamp(min=1), 0)
    return cut, length_mask(count, cut.shape[1])

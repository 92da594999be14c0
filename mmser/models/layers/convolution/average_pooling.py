"""Average pooling of (time, frequency) maps in which padded steps count for nothing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.models.layers.masks.padding import all_real, filled_map


def average_pool_2d(
    values: Tensor, mask: Tensor, size: tuple[int, int], whole: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean of the real cells of (time, frequency) windows, stride = size.

    A window is real when any of its steps is, so a length L becomes ceil(L / time); with ``whole``
    only windows that are real throughout stay (floor, also in frequency). values (batch, channel,
    time, frequency), mask (batch, time) -> the same, pooled, padding zero.
    """
    time, frequency = size
    if mask.shape[1] and all_real(mask):
        pooled = F.avg_pool2d(values, size, ceil_mode=not whole)
        return pooled, mask.new_ones(mask.shape[0], pooled.shape[2])
    values = filled_map(values, mask)
    rest = (0, 0, 0, 0) if whole else (0, -values.shape[3] % frequency, 0, -values.shape[2] % time)
    sums = F.avg_pool2d(F.pad(values, rest), size) * (time * frequency)
    steps = F.pad(mask.to(values.dtype), rest[2:])[:, None]
    real = (F.avg_pool1d(steps, time).squeeze(1) * time).round()  # (batch, window)
    first = torch.arange(sums.shape[3], device=values.device) * frequency
    bands = (values.shape[3] - first).clamp(max=frequency)
    pooled = sums / (real.clamp(min=1)[:, None, :, None] * bands)
    mask = real == time if whole else real > 0
    return filled_map(pooled, mask), mask


def average_map(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the real cells of a whole map; zeros where there is none.

    (batch, channel, time, frequency) -> (batch, channel).
    """
    total = filled_map(values, mask).sum(dim=(2, 3))
    return total / (mask.sum(dim=1).clamp(min=1) * values.shape[3])[:, None]

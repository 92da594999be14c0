"""Fewer steps: the mean of every few consecutive ones."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from mmser.models.layers.masks.padding import zero_padding


def group_mean(values: Tensor, mask: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Sums of ``size`` steps divided by ``size``, where padding counts as zeros.

    A last incomplete group is filled up with zeros. values (batch, time, feature), mask (batch,
    time) -> the same at ceil(time / size); a group is real when any of its steps is.
    """
    missing = -values.shape[1] % size
    grouped = F.pad(zero_padding(values, mask), (0, 0, 0, missing)).unflatten(1, (-1, size))
    return grouped.sum(dim=2) / size, F.pad(mask, (0, missing)).unflatten(1, (-1, size)).any(dim=2)

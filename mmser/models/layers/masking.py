"""Masks at work: True marks a real step; what stands in padded positions never reaches a result or
a gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def zero_padding(values: Tensor, mask: Tensor) -> Tensor:
    """values (batch, time, *feature) with padded steps of mask (batch, time) set to zero, NaN
    included.
    """
    return filled_padding(values, mask, 0.0)


def filled_padding(values: Tensor, mask: Tensor, fill: float) -> Tensor:
    """`zero_padding` with another value than zero, such as a feature's value of silence."""
    return values.masked_fill(~mask.reshape(mask.shape + (1,) * (values.dim() - mask.dim())), fill)


def length_mask(lengths: Tensor, time: int) -> Tensor:
    """lengths (batch,) -> mask (batch, time) with the first ``lengths`` steps True."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def all_real(mask: Tensor) -> bool:
    """Nothing is padded: fixed-length data may take torch's own kernels, which cost less than half
    as much.

    A model that is being exported must do for every mask.
    """
    return not mask.is_meta and not torch.compiler.is_exporting() and bool(mask.all())


def masked_softmax(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Softmax over the True entries of ``mask`` (broadcast to ``scores``); a row without any gives
    zeros.

    Masked entries are exactly zero and gradients stay finite, also in rows without any True entry.
    """
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim)
    return weights.masked_fill(~mask, 0.0)


def every(mask: Tensor, stride: int) -> Tensor:
    """mask (batch, time) -> every ``stride``-th step from the first, (batch,
    ceil(time / stride)).
    """
    if (
        stride > 1 and torch.compiler.is_exporting()
    ):  # a slice with a step has no size that could be reasoned about
        return F.avg_pool1d(mask.float()[:, None], 1, stride).squeeze(1) > 0
    return mask[:, ::stride]


def rows_at(values: Tensor, index: Tensor) -> Tensor:
    """values (batch, time, *feature), index (batch, step) long -> (batch, step, *feature): the
    steps named, per row.
    """
    batch, time = values.shape[:2]
    offset = torch.arange(batch, device=values.device)[:, None] * time
    # index_select on flattened rows: its backward adds whole rows, where gather would add single
    # elements.
    taken = values.flatten(0, 1).index_select(0, (index + offset).flatten())
    return taken.unflatten(0, index.shape)


def compact_order(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Where each row's real steps lie: (order, inverse), both (batch, time) long.

    ``rows_at(values, order)`` moves the real steps to the front, in order; ``rows_at(compact,
    inverse)`` undoes it.
    """
    real = mask.cumsum(dim=1)
    steps = torch.arange(mask.shape[1], device=mask.device).expand_as(real)
    # A real step goes behind the real ones before it, a padded one behind all real ones and the
    # padded ones before.
    inverse = torch.where(mask, real - 1, mask.sum(dim=1, keepdim=True) + steps - real)
    return torch.zeros_like(inverse).scatter(1, inverse, steps), inverse


def reversal(lengths: Tensor, time: int) -> Tensor:
    """Index (batch, time) that reverses each row's first ``lengths`` steps and leaves the rest; its
    own inverse.
    """
    steps = torch.arange(time, device=lengths.device).expand(lengths.shape[0], time)
    return torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)

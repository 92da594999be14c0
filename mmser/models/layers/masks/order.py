"""The order of a row's steps: real ones moved to the front, reversed, or picked by number."""

from __future__ import annotations

import torch
from torch import Tensor


def rows_at(values: Tensor, index: Tensor) -> Tensor:
    """The steps named by ``index``, per row.

    values (batch, time, *feature), index (batch, step) long -> (batch, step, *feature).
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
    """Index (batch, time) that reverses each row's first ``lengths`` steps and leaves the rest.

    It is its own inverse.
    """
    steps = torch.arange(time, device=lengths.device).expand(lengths.shape[0], time)
    return torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)

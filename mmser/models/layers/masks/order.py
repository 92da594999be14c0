"""The order of a row's steps: real ones moved to the front, reversed, or picked by number."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmser.models.layers.masks.padding import padding, real_steps


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


def first_real(mask: Tensor) -> Tensor:
    """mask (batch, time) -> (batch, 1) long: the first real step, any step without one."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, steps, mask.shape[1] - 1).amin(dim=1, keepdim=True)


def last_real(mask: Tensor) -> Tensor:
    """mask (batch, time) -> (batch, 1) long: the last real step, 0 without one."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    return (steps * mask).amax(dim=1, keepdim=True)


class Ways(NamedTuple):
    """How a recurrence reads the rows of a batch, forwards and, if asked for, backwards.

    ``sources`` (direction * time * batch,) long: which step of the values, flattened to (batch *
    time), is read at each step; past a row's end a padded one. ``places`` (batch, time, direction)
    long: where each real step is read, in the flattened (direction * time * batch).
    """

    sources: Tensor
    places: Tensor


def ways(mask: Tensor, backwards: bool) -> Ways:
    """Real steps first, gaps closed; backwards from a row's last real step to its first.

    mask (batch, time) -> steps of all rows side by side, time before batch, as recurrences want
    them.
    """
    batch, time = mask.shape
    directions = 2 if backwards else 1
    steps = torch.arange(time, device=mask.device).expand_as(mask)
    rows = torch.arange(batch, device=mask.device)
    seen = mask.cumsum(dim=1)
    total = real_steps(mask)[:, None]
    ahead = seen - 1
    turns = torch.stack([ahead, total - seen], dim=2) if backwards else ahead[..., None]
    first = torch.arange(directions, device=mask.device) * (time * batch)
    # A padded step has no place of its own: it takes any, and is set to zero afterwards.
    places = turns.clamp(min=0) * batch + (rows[:, None, None] + first)
    numbers = torch.stack([steps + 1, total - steps][:directions], dim=1)
    found = _numbered(mask, seen, numbers)
    past = (steps * padding(mask)).amax(dim=1)[:, None, None]
    found = torch.where((steps < total)[:, None], found, past) + rows[:, None, None] * time
    return Ways(found.permute(1, 2, 0).flatten(), places)


def _numbered(mask: Tensor, seen: Tensor, numbers: Tensor) -> Tensor:
    """Where the real steps of these numbers, from 1, lie; any step for a number that is not there.

    seen (batch, time): how many real steps there are up to each; numbers (batch, direction, time).
    """
    if torch.compiler.is_exporting():  # other runtimes know no binary search
        order, _ = compact_order(mask)
        ways = [order.gather(1, (way - 1).clamp(min=0)) for way in numbers.unbind(dim=1)]
        return torch.stack(ways, dim=1)
    found = torch.searchsorted(seen, numbers.flatten(1)).clamp(max=mask.shape[1] - 1)
    return found.view(numbers.shape)


class _Taken(torch.autograd.Function):
    """Rows by number, and back by the numbers of those that were taken.

    index_select's own backward adds into zeros, which on a GPU under deterministic algorithms is a
    sort; where each row is known to go to certain places, its gradient is the sum of theirs.
    """

    @staticmethod
    def forward(rows: Tensor, sources: Tensor, places: Tensor) -> Tensor:
        return rows.index_select(0, sources)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (places,) = ctx.saved_tensors
        back = gradient.index_select(0, places.flatten())
        if places.shape[1] > 1:
            back = back.unflatten(0, places.shape).sum(dim=1)
        return back, None, None


def taken(rows: Tensor, sources: Tensor, places: Tensor) -> Tensor:
    """``rows[sources]``, where row r is taken at ``places[r]``.

    rows (row, *feature), sources (place,), places (row, time taken). A row whose places are wrong
    gets a wrong gradient: it must not matter.
    """
    if torch.is_grad_enabled() and rows.requires_grad and not torch.compiler.is_exporting():
        found: Tensor = _Taken.apply(rows, sources, places)
        return found
    return rows.index_select(0, sources)

"""Rows of any lengths as one sequence without padding, or as a padded batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from mmser.extractors.networks.transfers import sent
from mmser.models.layers.masks.padding import length_mask

_ALIGNED = 8


class Packing:
    """Rows of ``counts`` steps, one after another in a sequence (step, *feature).

    What it tells a device is sent there once, when it is first asked for.
    """

    def __init__(
        self, counts: Sequence[int], device: torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self.counts, self.device, self.dtype = list(counts), device, dtype
        self.rows, self.longest = len(self.counts), max(self.counts)
        if device.type == "cuda" and self.rows > 1:
            # Its attention wants aligned masks, and would copy others.
            self.longest = -(-self.longest // _ALIGNED) * _ALIGNED

    def padded(self, values: Tensor) -> Tensor:
        """(step, *feature) -> (row, longest, *feature); what stands behind a row means nothing."""
        if self.rows > 1:
            values = values.index_select(0, self._sources)
        return values.unflatten(0, (self.rows, self.longest))

    def packed(self, values: Tensor) -> Tensor:
        """(row, longest, *feature) -> (step, *feature)."""
        flat = values.flatten(0, 1)
        return flat if self.is_even else flat.index_select(0, self._places)

    def spread(self, totals: Tensor) -> Tensor:
        """(row, *feature) -> (step, *feature): each row's value at each of its steps."""
        steps = sum(self.counts)
        return totals.repeat_interleave(self.lengths, dim=0, output_size=steps)

    def apart(self, values: Tensor, gap: int) -> tuple[Tensor, Tensor]:
        """The rows with ``gap`` zeros between them (step, *feature), and where each step lies."""
        starts, start = [], 0
        for count in self.counts:
            starts.append(torch.arange(start, start + count))
            start += count + gap
        places = sent(torch.cat(starts), self.device)
        wide = values.new_zeros(start - gap, *values.shape[1:])
        return wide.index_copy(0, places, values), places

    @property
    def is_even(self) -> bool:
        """All rows are of one length."""
        return min(self.counts) == self.longest

    @cached_property
    def lengths(self) -> Tensor:
        """(row,) on the device."""
        return sent(self.counts, self.device)

    @cached_property
    def hidden_keys(self) -> Tensor | None:
        """Minus infinity where a padded batch holds nothing of a row, (row, 1, 1, longest); None
        where nothing is padded.
        """
        if self.is_even:
            return None
        mask = length_mask(self.lengths, self.longest)
        hidden = torch.zeros(mask.shape, dtype=self.dtype, device=self.device)
        return hidden.masked_fill(~mask, -torch.inf)[:, None, None]

    @cached_property
    def _places(self) -> Tensor:
        """Where each step lies in the flat padded batch."""
        rows = [torch.arange(n) + row * self.longest for row, n in enumerate(self.counts)]
        return sent(torch.cat(rows), self.device)

    @cached_property
    def _sources(self) -> Tensor:
        """The step that each place of the flat padded batch holds; behind a row its last one."""
        last, rows = 0, []
        for count in self.counts:
            rows.append(torch.arange(self.longest).clamp(max=count - 1) + last)
            last += count
        return sent(torch.cat(rows), self.device)

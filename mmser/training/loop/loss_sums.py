"""Sums of named losses over batches, read from the device once.

Reading a number after each step would wait for the GPU each time.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mmser.training.loop.processes import of_all_processes

_AT_ONCE = 1024
"""Steps whose losses are kept as tensors of their own."""


class LossSums:
    """Each loss times the rows of its batch, summed in float32 in the order of the steps."""

    def __init__(self) -> None:
        self.rows = 0
        self._names: list[tuple[str, ...]] = []
        self._counts: list[int] = []
        self._parts: list[Tensor] = []
        self._joined: list[Tensor] = []

    def add(self, names: tuple[str, ...], losses: Tensor, rows: int) -> None:
        """``losses`` (name,) float32 of one batch of ``rows``, without a graph."""
        self.rows += rows
        self._names.append(names)
        self._counts.append(rows)
        self._parts.append(losses)
        if len(self._parts) >= _AT_ONCE:
            self._join()

    def take(self) -> dict[str, float]:
        """The mean of each loss per row since the last time, over all processes; starts afresh."""
        self._join()
        values = torch.cat(self._joined).cpu().numpy() if self._joined else np.empty(0, np.float32)
        sums: dict[str, np.float32] = {}
        place = 0
        for names, count in zip(self._names, self._counts, strict=True):
            for name in names:
                sums[name] = sums.get(name, np.float32(0)) + values[place] * np.float32(count)
                place += 1
        told = of_all_processes((sums, self.rows))
        sums, rows = told[0]
        for others, more in told[1:]:
            rows += more
            for name, total in others.items():
                sums[name] = sums.get(name, np.float32(0)) + total
        means = {name: float(total) / max(1, rows) for name, total in sums.items()}
        self.__init__()  # type: ignore[misc]  # as new
        return means

    def _join(self) -> None:
        if self._parts:
            self._joined.append(torch.cat(self._parts))
            self._parts = []

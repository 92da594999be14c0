"""Numbers to and from the device that a network runs on, without waiting for it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def sent(values: Tensor | Sequence[int], device: torch.device) -> Tensor:
    """A tensor of the host, or whole numbers, on the device."""
    here = values if isinstance(values, Tensor) else torch.tensor(values)
    if device.type != "cuda":
        return here.to(device)
    return here.pin_memory().to(device, non_blocking=True)


def packed(values: Tensor, counts: Sequence[int]) -> Tensor:
    """(row, step, *feature) -> (real step, *feature), the first ``counts`` of each row one row
    after another.
    """
    steps = values.shape[1]
    flat = values.flatten(0, 1)
    if min(counts) == steps:
        return flat
    if len(counts) == 1:
        return flat[: counts[0]]
    real = torch.cat([torch.arange(count) + row * steps for row, count in enumerate(counts)])
    return flat.index_select(0, sent(real, values.device))

"""Fixed sinusoid positions (Vaswani et al. 2017, section 3.5): no parameters, no length limit."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sinusoid(positions: Tensor, size: int) -> Tensor:
    """positions (*any) -> (*any, size) float32.

    The even features are sines, the odd ones cosines.
    """
    rates = torch.exp(
        torch.arange(0, size, 2, device=positions.device) * (-math.log(10_000.0) / size)
    )
    angles = positions[..., None].float() * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)[..., :size]


def with_positions(values: Tensor) -> Tensor:
    """values (batch, time, feature) plus the sinusoid of each time step."""
    steps = torch.arange(values.shape[1], device=values.device)
    return values + sinusoid(steps, values.shape[2]).to(values.dtype)

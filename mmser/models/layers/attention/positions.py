"""Fixed sinusoid positions (Vaswani et al. 2017, section 3.5): no parameters, no length limit."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mmser.models.layers.masks.derived import once


def sinusoid(positions: Tensor, size: int) -> Tensor:
    """positions (*any) -> (*any, size) float32.

    The even features are sines, the odd ones cosines.
    """
    rates = torch.exp(
        torch.arange(0, size, 2, device=positions.device) * (-math.log(10_000.0) / size)
    )
    angles = positions[..., None].float() * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)[..., :size]


def with_positions(values: Tensor, longest: int | None = None) -> Tensor:
    """values (batch, time, feature) plus the sinusoid of each time step.

    ``longest`` is the most steps of any stream in this pass: one table does for all of them.
    """
    table = once(_step_positions, longest or values.shape[1], values.shape[2], values.device)
    return values + table[: values.shape[1]].to(values.dtype)


def step_positions(values: Tensor) -> Tensor:
    """The sinusoid of each time step of values (batch, time, feature): (time, feature)."""
    return once(_step_positions, *values.shape[1:], values.device).to(values.dtype)


def _step_positions(time: int, size: int, device: torch.device) -> Tensor:
    return sinusoid(torch.arange(time, device=device), size)

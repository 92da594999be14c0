"""Gradient reversal (Ganin et al., JMLR 2016, section 4.2) and the ramp of its strength."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


class _Reversal(torch.autograd.Function):
    # ``ctx`` is Any: torch gives its class no name to write here.
    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(values: Tensor, strength: float = 1.0) -> Tensor:
    """``values`` as they are; what flows back is the gradient times ``-strength``."""
    reversed_values: Tensor = _Reversal.apply(values, strength)
    return reversed_values


def reversal_ramp(progress: float) -> float:
    """``2 / (1 + exp(-10 p)) - 1``, a ramp from 0 to 0.9999.

    ``p`` is the share of training done.
    """
    return 2.0 / (1.0 + math.exp(-10.0 * progress)) - 1.0

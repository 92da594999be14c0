"""mu-law companding (ITU-T G.711, continuous form): small values are spread, large ones squeezed,
[-1, 1] stays.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def compand(values: Tensor, mu: float = 255.0) -> Tensor:
    """``sgn(x) ln(1 + mu |x|) / ln(1 + mu)``, any shape."""
    return values.sign() * torch.log1p(mu * values.abs()) / math.log1p(mu)


def expand(values: Tensor, mu: float = 255.0) -> Tensor:
    """The inverse of `compand`."""
    return values.sign() * torch.expm1(values.abs() * math.log1p(mu)) / mu

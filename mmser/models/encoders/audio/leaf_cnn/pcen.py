"""Per-channel energy normalisation with learnt parameters.

Source: Wang et al., ICASSP 2017; as in LEAF, ICLR 2021.

The smoother ``m[t] = w e[t] + (1 - w) m[t - 1]`` runs without a loop over time: exactly, as two
small triangular products, one inside blocks of about sqrt(time) steps and one over the blocks.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_FLOOR = 1e-12
_SMALLEST_DELTA = 1e-6


def exponential_average(values: Tensor, share: Tensor) -> Tensor:
    """``m[t] = share e[t] + (1 - share) m[t - 1]``, ``m[0] = e[0]``.

    values (batch, time, channel), share (channel,) -> the same shape as values. Values must be
    finite everywhere; the future never reaches the past, so padding at the end is harmless.
    """
    time = values.shape[1]
    block = math.isqrt(max(1, time - 1)) + 1
    keep = 1.0 - share
    short = -time % block
    # (batch, block, step, channel)
    blocks = nn.functional.pad(values, (0, 0, 0, short)).unflatten(1, (-1, block))
    inside = torch.einsum("cij,bkjc->bkic", _decay(keep, block, 1), blocks * share)
    first = values[:, :1]
    ends = torch.einsum("ckj,bjc->bkc", _decay(keep, blocks.shape[1], block), inside[:, :, -1])
    numbers = torch.arange(1, blocks.shape[1] + 1, device=values.device)
    ends = ends + keep ** (numbers[:, None] * block) * first
    # (batch, block, channel): the state that each block starts from
    before = torch.cat([first, ends[:, :-1]], dim=1)
    steps = torch.arange(1, block + 1, device=values.device)
    smooth = inside + keep ** steps[:, None] * before[:, :, None]
    return smooth.flatten(1, 2)[:, :time]


def _decay(keep: Tensor, size: int, stride: int) -> Tensor:
    """keep (channel,) -> (channel, size, size): ``keep ** (stride (i - j))`` for j <= i, else 0."""
    places = torch.arange(size, device=keep.device)
    lag = places[:, None] - places
    return torch.where(lag >= 0, keep[:, None, None] ** (stride * lag.clamp(min=0)), 0.0)


class PCEN(nn.Module):
    """``(e / (1e-12 + m) ** alpha + delta) ** (1 / r) - delta ** (1 / r)``.

    Four numbers are learnt per channel. They are used within bounds: alpha and the smoother's share
    in [0, 1], r at least 1, delta above 0.
    """

    def __init__(
        self,
        channels: int,
        alpha: float = 0.96,
        delta: float = 2.0,
        root: float = 2.0,
        share: float = 0.04,
    ) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full((channels,), alpha))
        self.delta = nn.Parameter(torch.full((channels,), delta))
        self.root = nn.Parameter(torch.full((channels,), root))
        self.share = nn.Parameter(torch.full((channels,), share))

    def forward(self, energies: Tensor) -> Tensor:
        """energies (batch, time, channel), positive -> the same shape."""
        smooth = exponential_average(energies, self.share.clamp(0.0, 1.0))
        delta, power = self.delta.clamp(min=_SMALLEST_DELTA), 1.0 / self.root.clamp(min=1.0)
        return (
            energies / (_FLOOR + smooth) ** self.alpha.clamp(0.0, 1.0) + delta
        ) ** power - delta**power

"""LEAF: a learnable filter bank on the waveform in the place of log-mel energies.

Source: Zeghidour, Teboul, de Chaumont Quitry, Tagliasacchi, "LEAF: a learnable frontend for audio
classification", ICLR 2021.

Differs:
    The initial filters are computed from the mel scale itself, not read off a sampled filter bank,
    so that their centres are not rounded to bins. Every instance has a PCEN of its own (a public
    port shares one between all).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.encoders.audio.leaf_cnn.pcen import PCEN
from mmser.models.layers.masks.padding import strided, zero_padding

_FLOOR = 1e-5
_HALF_WIDTH = math.sqrt(2.0 * math.log(2.0))
"""A Gaussian of deviation s falls to half its height at s times this."""


class Leaf(nn.Module):
    """Gabor filters -> squared modulus -> Gaussian low-pass pooling -> PCEN.

    Seven numbers are learnt per filter. ``window`` is the length of filters and pooling in samples
    (odd), ``stride`` the samples per frame; filters start as mel filters from ``low_hz`` to
    ``high_hz`` at ``sample_rate``. Parameters are used within their bounds.
    """

    def __init__(
        self,
        filters: int = 40,
        window: int = 401,
        stride: int = 160,
        sample_rate: int = 16_000,
        low_hz: float = 60.0,
        high_hz: float = 7800.0,
        pooling: float = 0.4,
    ) -> None:
        super().__init__()
        self.window, self.stride = window, stride
        centres, widths = mel_gabor(filters, sample_rate, low_hz, high_hz)
        self.frequency = nn.Parameter(centres)
        self.deviation = nn.Parameter(widths)
        self.pooling = nn.Parameter(torch.full((filters,), pooling))
        self.pcen = PCEN(filters)

    def bounded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Centres (radians per sample), deviations (samples) and pooling widths, within bounds.

        (filter,) each, as the network uses them.
        """
        deviation = self.deviation.clamp(
            4 * _HALF_WIDTH / math.pi, self.window * _HALF_WIDTH / math.pi
        )
        return (
            self.frequency.clamp(0.0, math.pi),
            deviation,
            self.pooling.clamp(2 / self.window, 0.5),
        )

    def kernels(self) -> tuple[Tensor, Tensor, Tensor]:
        """Real and imaginary part of the Gabor filters, and the Gaussian windows.

        (filter, window) each.
        """
        frequency, deviation, width = (numbers[:, None] for numbers in self.bounded())
        half = self.window // 2
        time = torch.arange(-half, half + 1, device=frequency.device, dtype=frequency.dtype)
        bell = torch.exp(-(time**2) / (2 * deviation**2)) / (math.sqrt(2 * math.pi) * deviation)
        window = torch.exp(-0.5 * (time / (width * half)) ** 2)
        return bell * torch.cos(frequency * time), bell * torch.sin(frequency * time), window

    def forward(self, waveform: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """waveform and mask (batch, sample) -> (batch, frame, filter) and its mask.

        There is one frame per started stride.
        """
        real, imaginary, window = self.kernels()
        both = torch.cat([real, imaginary])[:, None]
        responses = F.conv1d(zero_padding(waveform, mask)[:, None], both, padding=self.window // 2)
        energy = responses.unflatten(1, (2, -1)).square().sum(dim=1)  # (batch, filter, sample)
        # Filters ring beyond the end of an utterance; alone it would end there.
        energy = energy.masked_fill(~mask[:, None], 0.0)
        pooled = F.conv1d(
            energy,
            window[:, None],
            stride=self.stride,
            padding=self.window // 2,
            groups=len(window),
        )
        mask = strided(mask, self.stride)
        frames = self.pcen(pooled.clamp(min=_FLOOR).transpose(1, 2))
        return zero_padding(frames, mask), mask


def mel_gabor(
    filters: int, sample_rate: int, low_hz: float, high_hz: float
) -> tuple[Tensor, Tensor]:
    """Centres (radians per sample) and deviations (samples) of Gabor filters on the mel scale.

    They are like the square root of mel triangles. The square root of a triangle is above half its
    height over three quarters of the triangle's base; the response of the Gabor filter is above
    half its height over the same band.
    """
    low, high = (2595.0 * math.log10(1.0 + hertz / 700.0) for hertz in (low_hz, high_hz))
    points = 700.0 * (10.0 ** (np.linspace(low, high, filters + 2) / 2595.0) - 1.0)
    band = 2 * math.pi * 0.75 * (points[2:] - points[:-2]) / sample_rate
    centres, deviations = 2 * math.pi * points[1:-1] / sample_rate, 2 * _HALF_WIDTH / band
    return torch.tensor(centres, dtype=torch.float32), torch.tensor(deviations, dtype=torch.float32)

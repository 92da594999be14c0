"""Depthwise convolution by the fast Fourier transform.

The numbers are the same, and on a CPU it is far faster for large kernels.
"""

from __future__ import annotations

import torch
from torch import Tensor


def depthwise_fft(values: Tensor, weight: Tensor) -> Tensor:
    """``conv2d(values, weight, groups=channels)`` with same padding and odd kernels.

    values (batch, channel, time, frequency), weight (channel, 1, time, frequency) -> (batch,
    channel, time, frequency).
    """
    time, frequency = weight.shape[2:]
    size = values.shape[2] + time - 1, values.shape[3] + frequency - 1
    # A convolution network correlates: the kernel is turned round.
    spectrum = torch.fft.rfft2(values, s=size) * torch.fft.rfft2(weight[:, 0].flip(1, 2), s=size)
    full = torch.fft.irfft2(spectrum, s=size)
    return full[
        :,
        :,
        time // 2 : time // 2 + values.shape[2],
        frequency // 2 : frequency // 2 + values.shape[3],
    ]

"""Convolution and max pooling over masked sequences.

Padded steps count as the zeros beyond the end of a sequence. "Same" padding and ceil-mode pooling,
so a valid length L becomes ceil(L / stride) however far the batch is padded; with floor mode the
padding would decide over the last window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.masks.padding import filled_map, filled_padding, strided, zero_padding


def _same(kernel: int, dilation: int) -> tuple[int, int]:
    reach = dilation * (kernel - 1)
    return reach // 2, reach - reach // 2


class MaskedConv1d(nn.Module):
    """1-d convolution along time with same padding; output length ceil(time / stride)."""

    def __init__(
        self,
        input_size: int,
        output_size: int,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.padding = _same(kernel, dilation)
        self.convolution = nn.Conv1d(
            input_size, output_size, kernel, stride, dilation=dilation, groups=groups, bias=bias
        )

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, time, feature), mask (batch, time) -> the same at ceil(time / stride).

        Padding comes out zero.
        """
        channels = F.pad(zero_padding(values, mask).transpose(1, 2), self.padding)
        mask = strided(mask, self.stride)
        return zero_padding(self.convolution(channels).transpose(1, 2), mask), mask


class MaskedConv2d(nn.Module):
    """2-d convolution over (time, frequency) with same padding; only time carries a mask.

    ``kernel``, ``stride`` and ``dilation`` are (time, frequency) pairs.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        kernel: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.padding = (*_same(kernel[1], dilation[1]), *_same(kernel[0], dilation[0]))
        self.convolution = nn.Conv2d(
            input_size, output_size, kernel, stride, dilation=dilation, groups=groups, bias=bias
        )

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, channel, time, frequency), mask (batch, time) -> the same, strided.

        Padding comes out zero.
        """
        values = filled_map(values, mask)
        out = self.convolution(F.pad(values, self.padding))
        mask = strided(mask, self.stride[0])
        return filled_map(out, mask), mask


def max_pool_1d(values: Tensor, mask: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Max over windows of ``size`` steps, stride = size, ceil mode.

    A window is real when any of its steps is. values (batch, time, feature), mask (batch, time) ->
    the same at ceil(time / size), padding zero. Equal maxima share the gradient, which is
    deterministic on every device.
    """
    short = -values.shape[1] % size
    lowest = torch.finfo(values.dtype).min
    filled = filled_padding(values, mask, lowest)
    if torch.compiler.is_exporting() or short:  # in an export the length is not known
        filled = F.pad(filled, (0, 0, 0, short), value=lowest)
        mask = F.pad(mask, (0, short))
    mask = mask.unflatten(1, (-1, size)).any(dim=2)
    return zero_padding(filled.unflatten(1, (-1, size)).amax(dim=2), mask), mask


def max_pool_2d(values: Tensor, mask: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Max over (time, frequency) windows, stride = size.

    Ceil mode in time, floor mode in frequency. values (batch, channel, time, frequency), mask
    (batch, time) -> the same, pooled, padding zero.
    """
    time, frequency = size
    short = -values.shape[2] % time
    lowest = torch.finfo(values.dtype).min
    filled = filled_map(values, mask, lowest)
    if short:
        filled, mask = F.pad(filled, (0, 0, 0, short), value=lowest), F.pad(mask, (0, short))
    mask = mask.unflatten(1, (-1, time)).any(dim=2)
    pooled = window_max(filled, time, frequency)
    return filled_map(pooled, mask), mask


def window_max(values: Tensor, time: int, frequency: int) -> Tensor:
    """Max over the whole windows of a map (batch, channel, time, frequency).

    It is deterministic on every device. Equal maxima share the gradient on a GPU, where the
    backward of max_pool2d is not deterministic; on a CPU the first takes it, many times faster.
    """
    if not values.is_cuda:
        return F.max_pool2d(values, (time, frequency))
    whole = values[
        :, :, : values.shape[2] // time * time, : values.shape[3] // frequency * frequency
    ]
    # (batch, channel, step, time in window, band, frequency in window)
    return whole.unflatten(2, (-1, time)).unflatten(4, (-1, frequency)).amax(dim=(3, 5))

"""Convolution, batch norm, activation over a masked (time, frequency) map.

The block that convolutional networks for emotion are made of.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.convolution.normalisation import MaskedBatchNorm


class ConvBlock(nn.Module):
    """Convolution with same padding, batch norm, activation.

    ``kernel`` is (time, frequency). ``activation`` must keep zero, so that padding stays zero.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        kernel: tuple[int, int],
        bias: bool = False,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        activation: Callable[[Tensor], Tensor] = F.relu,
    ) -> None:
        super().__init__()
        time, frequency = (kernel[0] - 1) // 2, (kernel[1] - 1) // 2
        self.convolution = nn.Conv2d(
            input_size, output_size, kernel, padding=(time, frequency), bias=bias
        )
        # Maps with the channels last follow from such weights: pooling is many times faster on them
        # on a CPU. Those of one channel count as such already, so `contiguous` would leave them as
        # they are.
        weight = self.convolution.weight.data
        self.convolution.weight.data = torch.empty_like(
            weight, memory_format=torch.channels_last
        ).copy_(weight)
        # A kernel of even size reaches one further at the end.
        self.end = nn.ZeroPad2d((0, 1 - kernel[1] % 2, 0, 1 - kernel[0] % 2))
        self.norm = MaskedBatchNorm(output_size, epsilon, momentum)
        self.activation = activation

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, channel, time, frequency), mask (batch, time) -> the same, other channels.

        Padding has to hold zeros, as the output's does: the norm masks what the convolution spreads
        into it.
        """
        convolved = self.convolution(self.end(values) if any(self.end.padding) else values)
        return self.activation(self.norm(convolved, mask))

"""Convolution, batch norm, activation over a masked (time, frequency) map: the brick of convolutional SER networks."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.convolution import MaskedConv2d
from mmser.models.layers.normalisation import MaskedBatchNorm


class ConvBlock(nn.Module):
    """Same padding; ``kernel`` is (time, frequency). ``activation`` must keep zero, so that padding stays zero."""

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
        self.convolution = MaskedConv2d(input_size, output_size, kernel, bias=bias)
        self.norm = MaskedBatchNorm(output_size, epsilon, momentum)
        self.activation = activation

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, channel, time, frequency), mask (batch, time) -> (batch, output, time, frequency)."""
        values, _ = self.convolution(values, mask)
        return self.activation(self.norm(values, mask))

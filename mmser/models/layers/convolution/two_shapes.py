"""Two kernel shapes side by side over a spectrogram, then 3x3 convolutions.

The trunk of Li et al. 2018 and its successors. It works on segments of fixed length, in which zeros
behind the end of a short utterance are part of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.models.layers.convolution.conv_block import ConvBlock
from mmser.models.layers.convolution.masked import window_max

Joined = Literal["channel", "height"]


class TwoShapes(nn.Module):
    """conv 10x2 | conv 2x8 (frequency x time) -> joined -> 3x3 convolutions.

    Max pooling 2x2 follows the layers named in ``pooled``. ``channels`` are those of the two first
    convolutions together with the 3x3 ones: (each, second, third, ...). ``joined`` height stacks
    the two maps along frequency instead of channels. ``pooled`` names the layers (counted from 0,
    the pair) after which the map is halved.
    """

    def __init__(
        self, channels: Sequence[int], pooled: Sequence[int], joined: Joined = "channel"
    ) -> None:
        super().__init__()
        first, *others = channels
        # Kernels are (time, frequency) here: the first looks along frequency, the second along
        # time.
        self.along_frequency = ConvBlock(1, first, (2, 10), bias=True)
        self.along_time = ConvBlock(1, first, (8, 2), bias=True)
        sizes = [first * 2 if joined == "channel" else first, *others]
        self.layers = nn.ModuleList(
            ConvBlock(inner, outer, (3, 3), bias=True)
            for inner, outer in zip(sizes, others, strict=False)
        )
        self.axis = 1 if joined == "channel" else 3
        self.pooled = frozenset(pooled)
        self.output_size = sizes[-1]

    def forward(self, maps: Tensor) -> Tensor:
        """maps (segment, time, frequency) -> (segment, channel, time, frequency).

        Each pooling halves both (floor).
        """
        values = maps[:, None]
        mask = values.new_ones(values.shape[0], values.shape[2], dtype=torch.bool)
        maps_of_both = [self.along_frequency(values, mask), self.along_time(values, mask)]
        values = self._pooled(torch.cat(maps_of_both, dim=self.axis), 0)
        for place, layer in enumerate(self.layers, start=1):
            values = self._pooled(layer(values, mask[:, : values.shape[2]]), place)
        return values

    def cells(self, time: int, frequency: int) -> tuple[int, int]:
        """(time, frequency) of the output for a map of that size."""
        frequency = frequency * 2 if self.axis == 3 else frequency
        halvings = len([place for place in self.pooled if place <= len(self.layers)])
        return time >> halvings, frequency >> halvings

    def _pooled(self, values: Tensor, place: int) -> Tensor:
        return window_max(values, 2, 2) if place in self.pooled else values

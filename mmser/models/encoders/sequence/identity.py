"""The stream as it is, for fusions that do their own encoding."""

from __future__ import annotations

from torch import nn

from mmser.core.batch import Stream
from mmser.models.layers.masks.padding import zero_padding


class Identity(nn.Module):
    """No parameters; padding comes out zero."""

    def __init__(self, input_size: int) -> None:
        super().__init__()
        self.output_size = input_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> the same."""
        return Stream(zero_padding(stream.values, stream.mask), stream.mask)

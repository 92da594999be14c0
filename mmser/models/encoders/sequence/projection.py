"""One linear layer per step: brings a stream to a wanted size and nothing else."""

from __future__ import annotations

from torch import nn

from mmser.core.batch import Stream
from mmser.models.layers.dense.feed_forward import Activation, activation
from mmser.models.layers.masks.padding import zero_padding


class Projection(nn.Module):
    """Linear, activation, dropout at every step."""

    def __init__(
        self,
        input_size: int,
        output_size: int = 128,
        activation_name: Activation = "none",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.layers = nn.Sequential(
            nn.Linear(input_size, output_size), activation(activation_name), nn.Dropout(dropout)
        )

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, time, output_size), same mask."""
        return Stream(zero_padding(self.layers(stream.filled()), stream.mask), stream.mask)

"""One linear layer per step: brings a stream to a wanted size and nothing else.

Source of ``utterance_norm``: EmoBox (Ma et al., Interspeech 2024), released extraction of features.
"""

from __future__ import annotations

from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.models.layers.convolution.normalisation import masked_group_norm
from mmser.models.layers.dense.feed_forward import Activation, activation
from mmser.models.layers.masks.padding import zero_padding


class Projection(nn.Module):
    """Linear, activation, dropout at every step.

    ``utterance_norm`` first brings all features of all real steps of an utterance, taken together,
    to mean 0 and variance 1.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int = 128,
        activation_name: Activation = "none",
        dropout: float = 0.0,
        utterance_norm: bool = False,
    ) -> None:
        super().__init__()
        self.utterance_norm = utterance_norm
        self.output_size = output_size
        self.layers = nn.Sequential(
            nn.Linear(input_size, output_size), activation(activation_name), nn.Dropout(dropout)
        )

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, time, output_size), same mask."""
        values = stream.filled()
        if self.utterance_norm:
            values = _normed(values, stream.mask)
        return Stream(zero_padding(self.layers(values), stream.mask), stream.mask)


def _normed(values: Tensor, mask: Tensor) -> Tensor:
    """values (batch, time, feature) by one mean and variance a row, those of its real steps."""
    size = values.shape[-1]
    scale, shift = values.new_ones(size), values.new_zeros(size)
    # One group is all features: (batch, feature, time).
    return masked_group_norm(values.mT, mask, 1, scale, shift, 1e-5).mT

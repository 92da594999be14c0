"""Positions made by several operations over time, with padding zeroed between them.

One convolution over zeroed padding sees what it would see alone. A second one would see what the
first has left in the padding, and so would one after a batch norm.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.masks.padding import filled_map, zero_padding


def masked_positions(network: Any) -> nn.Module | None:
    """Take the positions out of the encoder of ``network`` where padding would leak into them.

    What comes back is to be added before the encoder, whose own positions are then zero; None: the
    encoder's own are exact.
    """
    # wav2vec2-BERT has none of these.
    own = getattr(network.encoder, "pos_conv_embed", None)
    stacked = isinstance(getattr(own, "layers", None), nn.ModuleList)
    if own is None or not (stacked or getattr(own, "batch_norm", None) is not None):
        return None
    network.encoder.pos_conv_embed = _NoPositions()
    return StackedPositions(own) if stacked else NormedPositions(own)


class StackedPositions(nn.Module):
    """Convolutions one after another (data2vec)."""

    def __init__(self, own: Any) -> None:
        super().__init__()
        self.layers = own.layers

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """hidden (batch, frame, feature), mask (batch, frame) -> the same shape."""
        for layer in self.layers:
            hidden = zero_padding(layer(hidden.transpose(1, 2)).transpose(1, 2), mask)
        return hidden


class NormedPositions(nn.Module):
    """Batch norm, then a convolution (some HuBERT), its statistics from real frames alone."""

    def __init__(self, own: Any) -> None:
        super().__init__()
        norm = own.batch_norm
        self.batch_norm = MaskedBatchNorm(norm.num_features, norm.eps, norm.momentum)
        self.batch_norm.load_state_dict(norm.state_dict(), strict=False)
        self.conv, self.padding, self.activation = own.conv, own.padding, own.activation

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """hidden (batch, frame, feature), mask (batch, frame) -> the same shape."""
        values = filled_map(self.batch_norm(hidden.transpose(1, 2), mask), mask)
        return self.activation(self.padding(self.conv(values))).transpose(1, 2)


class _NoPositions(nn.Module):
    """In place of the encoder's own positions."""

    def forward(self, hidden: Tensor) -> Tensor:
        """Zeros like ``hidden``."""
        return hidden.new_zeros(())

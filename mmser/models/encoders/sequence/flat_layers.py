"""The layers of a pretrained network side by side, for models that weigh every one of them."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError


class FlatLayers(nn.Module):
    """No parameters: ``layers`` vectors at each step become one; padding comes out zero."""

    reads: ClassVar[StreamKind] = "layers"

    def __init__(self, input_size: int, layers: int) -> None:
        super().__init__()
        if layers < 1:
            raise MmserError("layers of 1 or more", f"{layers}", "Correct the encoder's argument.")
        self.layers = layers
        self.feature_shape = (layers, input_size)
        self.output_size = layers * input_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, layer, feature) -> (batch, time, layer x feature)."""
        values = stream.filled()
        if values.dim() != 4 or values.shape[2] != self.layers:
            raise MmserError(
                f"{self.layers} layers at each step",
                f"an array of shape {tuple(values.shape)}",
                "Set `layers` to what the extractor keeps (layer=all).",
            )
        return Stream(values.flatten(2), stream.mask)

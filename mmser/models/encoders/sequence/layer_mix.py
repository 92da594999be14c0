"""The layers of a pretrained network as one, by learned weights.

Source: Yang et al., "SUPERB: speech processing universal performance benchmark", Interspeech 2021,
section 3.2.

Of a stream of statistics over time (an extractor's ``statistics=true``) ``keep="means"`` takes the
means alone. They commute with the sum: what comes out is the mean over time of the frames' sum. The
sum of deviations is not the deviation of the sum, and is a feature of its own.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import nn

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.models.layers.dense.layer_sum import LayerSum
from mmser.models.layers.masks.padding import zero_padding

Keep = Literal["all", "means"]


class LayerMix(nn.Module):
    """Softmax weights over ``layers`` layers, drawn in the report; padding comes out zero.

    ``normalise``: mean 0 and variance 1 of each layer's vector before the sum. ``keep``: ``all``
    features, or the ``means``, the first half of statistics over time.
    """

    reads: ClassVar[StreamKind] = "layers"

    def __init__(
        self, input_size: int, layers: int, normalise: bool = False, keep: Keep = "all"
    ) -> None:
        super().__init__()
        if keep not in ("all", "means"):
            raise MmserError("keep all or means", f"'{keep}'", "Choose one of the two.")
        if keep == "means" and input_size % 2:
            raise MmserError(
                "statistics over time for keep=means: means, then as many deviations",
                f"{input_size} features",
                "Set keep=all, or name an extractor of statistics.",
            )
        self.mix = LayerSum(layers, normalise)
        self.layers = layers
        self.feature_shape = (layers, input_size)
        self.output_size = input_size // 2 if keep == "means" else input_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, layer, feature) -> (batch, time, output_size)."""
        values = stream.filled()
        if values.dim() != 4 or values.shape[2] != self.layers:
            raise MmserError(
                f"{self.layers} layers at each step",
                f"an array of shape {tuple(values.shape)}",
                "Set `layers` to what the extractor keeps (layer=all).",
            )
        mixed = self.mix(values[..., : self.output_size])
        return Stream(zero_padding(mixed, stream.mask), stream.mask)

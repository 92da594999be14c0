"""A convolution of width one, then a BiGRU: the encoders of the self- versus cross-attention comparison.

Source: Rajan, Brutti, Cavallaro, "Is cross-attention preferable to self-attention for multi-modal emotion
recognition?", ICASSP 2022, with its authors' released code.

Differs:
    What the paper calls a 1-D convolution takes the padded time steps as channels: one learnt mixing of time positions,
    shared by all features. It needs a fixed length and knows no mask; it is kept as ``layout="released"``, in which
    every stream has ``steps`` steps, padding counts as real, and the recurrence runs over it. The default
    ``layout="masked"`` convolves over features (``projected_size``) and leaves padding out.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.masking import zero_padding
from mmser.models.layers.recurrent import Recurrent

Layout = Literal["masked", "released"]


class MixedBiGRU(nn.Module):
    """Input dropout -> convolution of width one (if any) -> BiGRU of ``hidden_size`` per direction.

    ``projected_size`` (masked layout) is the feature dimension after the convolution, ``mixed_steps`` (released layout)
    the number of steps after the mixing; null leaves the convolution out.
    """

    def __init__(
        self,
        input_size: int,
        layout: Layout = "masked",
        steps: int = 128,
        mixed_steps: int | None = None,
        projected_size: int | None = None,
        hidden_size: int = 60,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if layout not in ("masked", "released"):
            raise MmserError("layout masked or released", f"'{layout}'", "Choose one of the two.")
        self.released = layout == "released"
        self.steps = steps
        sizes = (steps, mixed_steps) if self.released else (input_size, projected_size)
        self.convolution = None if sizes[1] is None else nn.Linear(sizes[0], sizes[1])
        inner_size = input_size if self.released or projected_size is None else projected_size
        self.input_dropout = nn.Dropout(input_dropout)
        self.recurrence = Recurrent(inner_size, hidden_size)
        self.output_size = self.recurrence.output_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, time, 2 hidden); released: (batch, ``mixed_steps`` or ``steps``, 2 hidden).

        In the released layout every step of a stream that is there counts as real.
        """
        values, mask = stream.filled(), stream.mask
        if self.released:
            values = self._mixed(self.input_dropout(_resized(values, self.steps)))
            mask = stream.present[:, None].expand(-1, values.shape[1])
        else:
            values = self.input_dropout(values)
            if self.convolution is not None:
                values = zero_padding(self.convolution(values), mask)
        return Stream(self.recurrence(values, mask).outputs, mask)

    def _mixed(self, values: Tensor) -> Tensor:
        """``X'[t'] = b[t'] + sum_t W[t', t] X[t]``: (batch, steps, feature) -> (batch, mixed steps, feature)."""
        if self.convolution is None:
            return values
        return self.convolution(values.transpose(1, 2)).transpose(1, 2)


def _resized(values: Tensor, steps: int) -> Tensor:
    """values (batch, time, feature) cut or padded with zeros to ``steps``."""
    return F.pad(values[:, :steps], (0, 0, 0, max(0, steps - values.shape[1])))

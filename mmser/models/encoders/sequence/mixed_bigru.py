"""A convolution, then a BiGRU: the encoders of the self- versus cross-attention comparison.

Source: Rajan, Brutti, Cavallaro, "Is cross-attention preferable to self-attention for multi-modal
emotion recognition?", ICASSP 2022, with its authors' released code.

Differs:
    What the paper calls a 1-D convolution takes the padded time steps as channels: one learnt
    mixing of time positions, shared by all features. It needs a fixed length and knows no mask; it
    is kept as ``layout="released"``, in which every stream has ``steps`` steps, padding counts as
    real, and the recurrence runs over it. The default ``layout="masked"`` is a real convolution of
    ``stride`` steps into one, and leaves padding out.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.convolution.masked import MaskedConv1d
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.recurrent import Recurrent

Layout = Literal["masked", "released"]


class MixedBiGRU(nn.Module):
    """Input dropout -> convolution (if any) -> BiGRU of ``hidden_size`` per direction.

    Masked layout: ``projected_size`` features come out of a convolution of width and stride
    ``stride``. Released layout: ``mixed_steps`` steps come out of the mixing of ``steps``. Null
    leaves the convolution out.
    """

    def __init__(
        self,
        input_size: int,
        layout: Layout = "masked",
        steps: int = 128,
        mixed_steps: int | None = None,
        projected_size: int | None = None,
        stride: int = 1,
        hidden_size: int = 60,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if layout not in ("masked", "released"):
            raise MmserError("layout masked or released", f"'{layout}'", "Choose one of the two.")
        self.released = layout == "released"
        self.steps = steps
        self.mixing, self.convolution = None, None
        if self.released and mixed_steps is not None:
            self.mixing = nn.Linear(steps, mixed_steps)
        if not self.released and projected_size is not None:
            self.convolution = MaskedConv1d(input_size, projected_size, stride, stride)
        inner_size = (
            input_size if self.convolution is None or projected_size is None else projected_size
        )
        self.input_dropout = nn.Dropout(input_dropout)
        self.recurrence = Recurrent(inner_size, hidden_size)
        self.output_size = self.recurrence.output_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, ceil(time / stride), 2 hidden).

        With mixed steps the time axis has as many steps as these. In the released layout every step
        of a stream that is there counts as real.
        """
        values, mask = stream.values, stream.mask
        if self.released:
            filled = zero_padding(values, mask)
            values = self._mixed(self.input_dropout(_resized(filled, self.steps)))
            mask = stream.present[:, None].expand(-1, values.shape[1])
        else:
            values = self.input_dropout(values)
            if self.convolution is not None:
                values, mask = self.convolution(values, mask)
        return Stream(self.recurrence(values, mask).outputs, mask)

    def _mixed(self, values: Tensor) -> Tensor:
        """Each new step is a learnt sum of all steps: ``X'[t'] = b[t'] + sum_t W[t', t] X[t]``.

        (batch, steps, feature) -> (batch, mixed steps, feature).
        """
        if self.mixing is None:
            return values
        # The linear layer runs over time: (batch, feature, steps) -> (batch, feature, mixed steps).
        return self.mixing(values.transpose(1, 2)).transpose(1, 2)


def _resized(values: Tensor, steps: int) -> Tensor:
    """values (batch, time, feature) cut or padded with zeros to ``steps``."""
    return F.pad(values[:, :steps], (0, 0, 0, max(0, steps - values.shape[1])))

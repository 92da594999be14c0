"""Convolution blocks, then a bidirectional LSTM: the audio encoder of MCSAN.

Source: Sun, Liu, Tao, Lian, "Multimodal cross- and self-attention network for speech emotion
recognition", ICASSP 2021.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.layers.convolution.masked import MaskedConv1d, max_pool_1d
from mmser.models.layers.time.recurrent import Merge, Recurrent


class ConvBiLSTM(nn.Module):
    """``blocks`` x (convolution over time, max pooling) -> BiLSTM -> mean of both directions.

    The frame rate falls by ``pool`` per block; 1000 frames become 334, then 112 (ceil mode).
    ``relu`` puts a non-linearity after each convolution; the paper's formula has none.
    """

    def __init__(
        self,
        input_size: int,
        size: int = 128,
        blocks: int = 2,
        kernel: int = 3,
        pool: int = 3,
        relu: bool = False,
        merge: Merge = "mean",
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            MaskedConv1d(input_size if block == 0 else size, size, kernel)
            for block in range(blocks)
        )
        self.pool = pool
        self.relu = relu
        self.recurrence = Recurrent(
            size if blocks else input_size, size, cell="lstm", bidirectional=True, merge=merge
        )
        self.output_size = self.recurrence.output_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, ceil(time / pool ** blocks), output_size)."""
        values, mask = stream.values, stream.mask
        for convolution in self.convolutions:
            values, mask = self._block(convolution, values, mask)
        return Stream(self.recurrence(values, mask).outputs, mask)

    def _block(self, convolution: nn.Module, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        values, mask = convolution(values, mask)
        return max_pool_1d(F.relu(values) if self.relu else values, mask, self.pool)

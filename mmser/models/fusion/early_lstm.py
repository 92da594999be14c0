"""Early fusion for continuous emotion: features side by side at every frame, then a stack of LSTMs.

Atmaja and Akagi, "Multitask learning and multistage fusion for dimensional audiovisual emotion
recognition", ICASSP 2020, section 2.1: LSTM 256, LSTM 128, LSTM 64, each followed by dropout 0.4,
one linear output per dimension and frame. With one stream it is the paper's unimodal network.

Differs:
    Padded frames are masked (the paper pads every recording to 1768 frames of zeros and does not
    say). The utterance's vector is the mean over frames, so that a linear head gives the mean of
    the frames' values.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Context, Fused, Stream
from mmser.models.layers.time.pooling import masked_mean
from mmser.models.layers.time.recurrent import Recurrent


class EarlyLstm(nn.Module):
    """[stream 1 ; stream 2 ; ...] per frame -> (LSTM -> dropout) for each of ``hidden_sizes``.

    Streams must share their frame rate (``data.alignment=grid``). Where one is absent or has ended
    its features are zero; a frame is real when any stream is.
    """

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        hidden_sizes: Sequence[int] = (256, 128, 64),
        dropout: float = 0.4,
    ) -> None:
        super().__init__()
        self.names = tuple(input_sizes)
        sizes = [sum(input_sizes.values()), *hidden_sizes]
        self.layers = nn.ModuleList(
            Recurrent(inner, outer, "lstm", bidirectional=False)
            for inner, outer in itertools.pairwise(sizes)
        )
        self.dropout = nn.Dropout(dropout)
        self.output_size = sizes[-1]

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) -> sequence (batch, time, output_size), vector.

        The vector is the mean over the real frames.
        """
        inputs = [streams[name] for name in self.names]
        longest = max(stream.mask.shape[1] for stream in inputs)
        mask = torch.stack([F.pad(s.mask, (0, longest - s.mask.shape[1])) for s in inputs]).any(
            dim=0
        )
        values = torch.cat([_lengthened(stream.filled(), longest) for stream in inputs], dim=-1)
        for layer in self.layers:
            values = self.dropout(layer(values, mask).outputs)
        return Fused(masked_mean(values, mask), sequence=Stream(values, mask))


def _lengthened(values: Tensor, steps: int) -> Tensor:
    """(batch, time, feature) with zero frames at the end."""
    return F.pad(values, (0, 0, 0, steps - values.shape[1]))

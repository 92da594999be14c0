"""MFCC of 3-second segments -> BiLSTM -> one vector per segment: the MFCC branch of CA-MSER.

Source: Zou, Si, Chen, Rajan, Chng, "Speech emotion recognition with co-attention based multi-level
acoustic information", ICASSP 2022, and its authors' released code.

Differs: the output layer starts by He's rule; torch's own start lets 153,600 inputs fade to almost
nothing.

As published, the recurrence runs over whole segments: where the last one is not full, zeros follow.
"""

from __future__ import annotations

from torch import nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.layers.masks.padding import extent
from mmser.models.layers.time.segments import LastSegment, covering_starts, put_back, segments_at


class SegmentBiLSTM(nn.Module):
    """Segments of unit-norm frames -> BiLSTM -> all states side by side -> one vector each.

    The BiLSTM has two layers; dropout, linear and ReLU follow it.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int = 128,
        segment_frames: int = 300,
        last: LastSegment = "released",
        hidden_size: int = 256,
        layers: int = 2,
        layer_dropout: float = 0.5,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.segment_frames = segment_frames
        self.last: LastSegment = last
        between = layer_dropout if layers > 1 else 0.0
        self.recurrence = nn.LSTM(
            input_size, hidden_size, layers, batch_first=True, dropout=between, bidirectional=True
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(segment_frames * 2 * hidden_size, output_size)
        nn.init.kaiming_normal_(self.output.weight, nonlinearity="relu")

    def forward(self, stream: Stream) -> Stream:
        """(batch, frame, coefficient) -> (batch, segment, output_size)."""
        lengths = extent(stream.mask)
        starts, exists = covering_starts(lengths, self.segment_frames, self.last)
        unit = F.normalize(stream.filled(), dim=-1)
        segments = segments_at(unit, lengths, starts, exists, self.segment_frames).values
        if not len(segments):  # the recurrence refuses an empty batch
            return put_back(segments.new_zeros(0, self.output_size), exists)
        states = self.recurrence(segments)[0].flatten(1)
        return put_back(self.output(self.dropout(states)).relu(), exists)

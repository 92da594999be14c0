"""Cached frames cut into segments: wav2vec 2.0 features in place of a fine-tuned network.

A branch of CA-MSER.
"""

from __future__ import annotations

from torch import nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.layers.masks.padding import extent, zero_padding


class SegmentFrames(nn.Module):
    """Of every ``hop`` frames the first ``frames``; no parameters.

    3 s of wav2vec 2.0 are 149 of 150 frames.
    """

    def __init__(self, input_size: int, hop: int = 150, frames: int = 149) -> None:
        super().__init__()
        self.output_size = input_size
        self.hop = hop
        self.frames = frames

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, ceil(time / hop) * frames, feature).

        An unfinished segment is padded.
        """
        longest = max(1, int(extent(stream.mask).max()))
        short = -longest % self.hop
        values, mask = stream.filled()[:, :longest], stream.mask[:, :longest]
        values = F.pad(values, (0, 0, 0, short)).unflatten(1, (-1, self.hop))[:, :, : self.frames]
        mask = F.pad(mask, (0, short)).unflatten(1, (-1, self.hop))[:, :, : self.frames]
        values, mask = values.flatten(1, 2), mask.flatten(1, 2)
        return Stream(zero_padding(values, mask), mask)

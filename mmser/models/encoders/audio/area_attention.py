"""Area attention CNN: 2 s log-mel segments, two kernel shapes side by side, attention over
rectangles of the map.

Source: Xu, Zhang, Cui, Zhang, "Speech emotion recognition with multiscale area attention and data
augmentation", ICASSP 2021, with details from its authors' released code.

Differs:
    The log-mel spectrum is taken of the clip and then cut, so the outermost frames of a segment see
    25 ms of their neighbours instead of zeros. Clips under 2 s are padded with silence (dropped in
    the released code). By default the two first maps are joined along channels, areas are
    two-dimensional and scores scaled, as the paper's formulas say; the released code stacks the
    maps along frequency (``joined="height"``), takes areas inside single rows (``layout="row1d"``),
    unscaled, and leaves attention dropout on when testing (not offered). Batch norm uses its
    batch's statistics in training, epsilon 1e-5; in the released training it has epsilon 1e-3 and
    never leaves inference, so it is an affine map of its starting statistics (not offered).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.models.layers.area_attention import AreaAttention, Layout
from mmser.models.layers.convolution.two_shapes import Joined, TwoShapes
from mmser.models.layers.masks.padding import filled_padding
from mmser.models.layers.time.segments import cut_segments, put_back

PART = 16
"""Segments computed at a time outside training."""


class AreaAttentionNet(nn.Module):
    """segments of ``segment`` frames -> `TwoShapes` -> `AreaAttention` -> the flattened map of
    every segment.

    Segments start every ``hop`` frames in training and every ``test_hop`` otherwise. ``silence`` is
    the feature value of silence, for clips shorter than a segment. The area options are those of
    `AreaAttention`.
    """

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (16, 32, 48, 64, 80),
        segment: int = 81,
        hop: int = 40,
        test_hop: int = 16,
        joined: Joined = "channel",
        height: int = 3,
        width: int = 3,
        key: Literal["mean", "max", "sample"] = "mean",
        value: Literal["sum", "mean", "max"] = "sum",
        layout: Layout = "2d",
        scaled: bool = True,
        dropout: float = 0.5,
        silence: float = -10.0,
    ) -> None:
        super().__init__()
        self.segment, self.hop, self.test_hop, self.silence = segment, hop, test_hop, silence
        self.trunk = TwoShapes(channels, pooled=(1, 2), joined=joined)
        self.attention = AreaAttention(height, width, key, value, layout, scaled, dropout)
        time, bands = self.trunk.cells(segment, input_size)
        self.output_size = self.trunk.output_size * time * bands

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, band) -> (batch, segment, output_size)."""
        hop = self.hop if self.training else self.test_hop
        segments, real, exists = cut_segments(stream, self.segment, hop)
        if not len(segments):
            return put_back(segments.new_zeros(0, self.output_size), exists)
        segments = filled_padding(segments, real, self.silence)
        parts = [segments] if self.training else segments.split(PART)
        return put_back(torch.cat([self.features(part) for part in parts]), exists)

    def features(self, segments: Tensor) -> Tensor:
        """segments (n, time, band) -> (n, output_size); the map is (channel, band, time) before it
        is flattened.
        """
        return self.attention(self.trunk(segments).transpose(2, 3)).flatten(1)

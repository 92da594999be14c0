"""Area attention CNN: attention over rectangles of the feature map of 2 s log-mel segments.

Two kernel shapes side by side make the map.

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
from itertools import product
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.attention.multi_head import attend
from mmser.models.layers.convolution.two_shapes import Joined, TwoShapes
from mmser.models.layers.masks.padding import filled_padding
from mmser.models.layers.time.segments import cut_segments, put_back

Summary = Literal["mean", "sum", "max", "std"]
Layout = Literal["2d", "row1d"]

SEGMENTS_AT_ONCE = 16
"""Segments computed at a time outside training."""


class AreaAttentionNet(nn.Module):
    """Segments -> `TwoShapes` -> `AreaAttention` -> the flattened map of every segment.

    A segment has ``segment`` frames. Segments start every ``hop`` frames in training and every
    ``test_hop`` otherwise. ``silence`` is the feature value of silence, for clips shorter than a
    segment. The area options are those of `AreaAttention`.
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
        chunks = [segments] if self.training else segments.split(SEGMENTS_AT_ONCE)
        return put_back(torch.cat([self.features(chunk) for chunk in chunks]), exists)

    def features(self, segments: Tensor) -> Tensor:
        """segments (n, time, band) -> (n, output_size).

        The map is (channel, band, time) before it is flattened.
        """
        return self.attention(self.trunk(segments).transpose(2, 3)).flatten(1)


def area_summaries(values: Tensor, height: int, width: int, summary: Summary) -> Tensor:
    """A summary of every rectangle of a map up to ``height`` x ``width``.

    values (batch, feature, row, column) -> (batch, area, feature). In order of shape (1x1, 1x2,
    ...), then of place. One fused sliding mean per shape: the numbers of an integral image without
    its rounding.
    """
    rows = range(1, min(height, values.shape[2]) + 1)
    columns = range(1, min(width, values.shape[3]) + 1)
    summaries = [_summary(values, shape, summary).flatten(2) for shape in product(rows, columns)]
    return torch.cat(summaries, dim=2).transpose(1, 2)


def _summary(values: Tensor, shape: tuple[int, int], summary: Summary) -> Tensor:
    if summary == "max":
        return values.unfold(2, shape[0], 1).unfold(3, shape[1], 1).amax(dim=(4, 5))
    mean = F.avg_pool2d(values, shape, stride=1)
    if summary == "sum":
        return mean * (shape[0] * shape[1])
    if summary == "std":
        variance = F.avg_pool2d(values.square(), shape, stride=1) - mean.square()
        return (variance.abs() + 1e-6).sqrt()
    return mean


class AreaAttention(nn.Module):
    """Queries attend to rectangles of a map: ``out_q = sum_A softmax_A(q . K_A / sqrt(D)) V_A``.

    Queries, keys and values are the map itself (Li, Kaiser, Bengio, Si, ICML 2019, "Area
    attention").
    ``key`` mean, max or sample (mean plus the area's deviation times noise, in training only);
    ``value`` sum, mean or max. ``layout`` row1d takes every row by itself, so areas are one row
    high (what the released code computes); ``scaled`` off leaves sqrt(D) out. ``dropout`` acts on
    the weights, in training only.
    """

    def __init__(
        self,
        height: int = 3,
        width: int = 3,
        key: Literal["mean", "max", "sample"] = "mean",
        value: Literal["sum", "mean", "max"] = "sum",
        layout: Layout = "2d",
        scaled: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if (
            key not in ("mean", "max", "sample")
            or value not in ("sum", "mean", "max")
            or layout not in ("2d", "row1d")
        ):
            raise MmserError(
                "key mean, max or sample, value sum, mean or max, layout 2d or row1d",
                f"'{key}', '{value}', '{layout}'",
                "Correct it.",
            )
        self.height, self.width, self.key, self.value = height, width, key, value
        self.by_row, self.scaled, self.dropout = layout == "row1d", scaled, dropout

    def forward(self, maps: Tensor) -> Tensor:
        """maps (batch, feature, row, column) -> the same shape."""
        if not self.by_row:
            return self._attended(maps)
        rows = maps.transpose(1, 2).flatten(0, 1)[:, :, None]  # (batch * row, feature, 1, column)
        attended = self._attended(rows).squeeze(2)  # (batch * row, feature, column)
        return attended.unflatten(0, (-1, maps.shape[2])).transpose(1, 2)

    def _attended(self, maps: Tensor) -> Tensor:
        query = maps.flatten(2).transpose(1, 2)
        if not self.scaled:
            # Undoes the division by this number inside `attend`.
            query = query * maps.shape[1] ** 0.5
        keys, values = self._keys(maps), area_summaries(maps, self.height, self.width, self.value)
        seen = torch.ones(keys.shape[:2], dtype=torch.bool, device=maps.device)
        dropout = self.dropout if self.training else 0.0
        # One head: (batch, 1, cell, feature).
        out, _ = attend(query[:, None], keys[:, None], values[:, None], seen, dropout)
        return out[:, 0].transpose(1, 2).unflatten(2, maps.shape[2:])

    def _keys(self, maps: Tensor) -> Tensor:
        if self.key == "max":
            return area_summaries(maps, self.height, self.width, "max")
        mean = area_summaries(maps, self.height, self.width, "mean")
        if self.key == "mean" or not self.training:
            return mean
        return mean + area_summaries(maps, self.height, self.width, "std") * torch.randn_like(mean)

"""MAEC's turn encoder: a turn's frames are a bag of 50 ms segments, pooled to one vector.

Convolution block -> attention -> one vector per turn.

Source: "Multi-instance learning with an adversarial auto-encoder classifier for speech emotion
recognition", ICASSP
2021. The fusion ``maec`` puts a turn beside the turns before it.

Differs:
    The block runs over the whole frame sequence: unpadded convolutions whose reach is exactly one
    segment of five frames give what cutting the segments first would. The pooling that is not named
    is the mean over time; scores are scaled by the root of the size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.layers.attention.multi_head import attend
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import length_mask, zero_padding
from mmser.models.layers.time.group_mean import group_mean
from mmser.models.layers.time.pooling import masked_mean
from mmser.models.layers.time.recurrent import Recurrent

SEGMENT = 5


class MAECTurn(nn.Module):
    """(batch, time, feature) -> (batch, 1, size).

    ``size`` counts the bottleneck and both directions of the GRU together. ``pool`` averages so
    many frames to one first: longer turns at the same cost.
    """

    def __init__(
        self,
        input_size: int,
        inner_size: int = 512,
        block_size: int = 128,
        size: int = 512,
        pool: int = 1,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.block = SegmentBlock(input_size, inner_size, block_size)
        self.bottleneck = nn.Linear(block_size, size)
        self.recurrence = Recurrent(block_size, size // 2)
        self.output_size = size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> ``mean(attention) * mean(keys)``, (batch, 1, size)."""
        hidden, mask = self.block(*self._pooled(stream))
        query, key = F.relu(self.bottleneck(hidden)), self.recurrence(hidden, mask).outputs
        attended, _ = attend(query[:, None], key[:, None], key[:, None], mask)
        vector = masked_mean(attended.squeeze(1), mask) * masked_mean(key, mask)
        return Stream(vector[:, None], stream.present[:, None])

    def _pooled(self, stream: Stream) -> tuple[Tensor, Tensor]:
        """values (batch, ceil(time / pool), feature) and their mask, the real frames in front."""
        if self.pool == 1:
            return stream.values, stream.mask
        frames = rows_at(zero_padding(stream.values, stream.mask), compact_order(stream.mask)[0])
        return group_mean(frames, length_mask(stream.lengths, frames.shape[1]), self.pool)


class SegmentBlock(nn.Module):
    """conv 1 -> conv 3 with dilation 2 -> conv 1, plus a plain convolution over the segment.

    ReLU follows each.
    """

    def __init__(self, input_size: int, inner_size: int, size: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(input_size, inner_size, 1)
        self.second = nn.Conv1d(inner_size, inner_size, 3, dilation=2)
        self.third = nn.Conv1d(inner_size, size, 1)
        self.shortcut = nn.Conv1d(input_size, size, SEGMENT)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, time, feature) and mask -> (batch, segment, size), mask (batch, segment).

        A turn of T frames has T - 4 segments; one shorter than a segment is filled up with zeros.
        """
        frames = rows_at(zero_padding(values, mask), compact_order(mask)[0])
        channels = F.pad(frames, (0, 0, 0, max(0, SEGMENT - frames.shape[1]))).transpose(1, 2)
        hidden = F.relu(self.second(F.relu(self.first(channels))))
        out = F.relu(F.relu(self.third(hidden)) + self.shortcut(channels)).transpose(1, 2)
        lengths = mask.sum(dim=1)
        count = torch.where(lengths > 0, (lengths - SEGMENT + 1).clamp(min=1), 0)
        real = length_mask(count, out.shape[1])
        return zero_padding(out, real), real

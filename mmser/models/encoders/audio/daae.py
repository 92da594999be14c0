"""DAAE: an adversarial autoencoder's latent and a deep CNN's feature, fused by attention.

Both come from segments of a spectrogram.

Source: Gao et al., "Domain-adversarial autoencoder with attention based feature level fusion for
speech emotion recognition", ICASSP 2021; the widths are choices of this project. Trained by the
objective ``daae``, then by labels.

Differs:
    Segments are 32 frames of the utterance's own spectrogram, 34 frames apart, so that their
    windows do not overlap; the paper cuts the waveform first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.layers.attention.multi_head import attend
from mmser.models.layers.convolution.masked import MaskedConv2d
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.recurrent import Recurrent
from mmser.models.layers.time.segments import segment_grid


class DAAE(nn.Module):
    """(batch, time, 129) -> (batch, segment, 2 x recurrent_size).

    ``coder`` is the encoder half of the autoencoder (its decoder belongs to the objective),
    ``deep`` the CNN; queries are the deep feature, keys the latent, values a linear map of both.
    """

    feature_shape: ClassVar[tuple[int, ...]] = (129,)

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (32, 64, 128),
        latent_size: int = 256,
        heads: int = 4,
        recurrent_size: int = 128,
        frames: int = 32,
        hop: int = 34,
        limit: int = 30,
    ) -> None:
        super().__init__()
        self.frames, self.hop, self.limit, self.heads = frames, hop, limit, heads
        bands = self.feature_shape[0]
        self.coder = SegmentCoder(channels, latent_size, frames, bands)
        self.deep = SegmentCoder(channels, latent_size, frames, bands)
        self.joint = nn.Linear(2 * latent_size, latent_size)
        self.query, self.key, self.value, self.out = (
            nn.Linear(latent_size, latent_size) for _ in range(4)
        )
        self.recurrence = Recurrent(latent_size, recurrent_size, "lstm")
        self.output_size = self.recurrence.output_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, 129) -> (batch, segment, output_size)."""
        segments, mask = self.segments(stream)
        latent, deep = self.coder(segments, mask), self.deep(segments, mask)
        fused = zero_padding(self.attend(deep, latent, mask), mask)
        return Stream(self.recurrence(fused, mask).outputs, mask)

    def segments(self, stream: Stream) -> tuple[Tensor, Tensor]:
        """(batch, time, 129) -> (batch, segment, frame, band), mask (batch, segment).

        There are at most ``limit`` segments.
        """
        segments, mask = segment_grid(stream.values, stream.mask, self.frames, self.hop)
        return segments[:, : self.limit], mask[:, : self.limit]

    def attend(self, deep: Tensor, latent: Tensor, mask: Tensor) -> Tensor:
        """``softmax(Q K^T / sqrt(d)) V`` over the segments: (batch, segment, latent_size)."""
        joint = self.joint(torch.cat([deep, latent], dim=-1))
        query, key, value = (
            layer(values).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, values in ((self.query, deep), (self.key, latent), (self.value, joint))
        )
        attended, _ = attend(query, key, value, mask)
        return self.out(attended.transpose(1, 2).flatten(2))


class SegmentCoder(nn.Module):
    """Convolutions of stride 2 with batch norm and ReLU, flattened, linear."""

    def __init__(self, channels: Sequence[int], latent_size: int, frames: int, bands: int) -> None:
        super().__init__()
        sizes = [1, *channels]
        self.convolutions = nn.ModuleList(
            MaskedConv2d(sizes[layer], sizes[layer + 1], (3, 3), (2, 2))
            for layer in range(len(channels))
        )
        self.norms = nn.ModuleList(MaskedBatchNorm(size) for size in channels)
        for _ in channels:
            frames, bands = -(-frames // 2), -(-bands // 2)
        self.latent = nn.Linear(frames * bands * channels[-1], latent_size)

    def forward(self, segments: Tensor, mask: Tensor) -> Tensor:
        """segments (batch, segment, frame, band), mask (batch, segment) -> the latent of each.

        Returns (batch, segment, latent_size), zero where no segment exists.
        """
        hidden = segments.flatten(0, 1)[:, None]
        real = mask.flatten()[:, None].expand(-1, segments.shape[2])
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            hidden, real = convolution(hidden, real)
            hidden = F.relu(norm(hidden, real))
        return zero_padding(self.latent(hidden.flatten(1)).unflatten(0, mask.shape), mask)

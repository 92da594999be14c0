"""ResNet-34 x-vector: MFCC frames with voice -> residual network -> one embedding.

Multi-head attention pools the frames.

Source: Pappagari et al., "CopyPaste: an augmentation method for speech emotion recognition", ICASSP
2021. Widths, the number of heads and the embedding size are not given there: two presets (``wide``,
``light``).

Differs:
    Voice activity detection and mean normalisation act here, so that they see joined utterances as
    one; where no frame has voice all are kept. The log energy is read off coefficient 0 (the mean
    log band, orthonormal DCT).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.layers.convolution.masked import MaskedConv2d
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import length_mask, masked_softmax, zero_padding
from mmser.models.layers.time.pooling import masked_mean

SIXTEEN_BIT = 2.0 * math.log(32768.0)
"""What the threshold on the log energy expects: samples counted from -32768 to 32767."""


class XVectorResNet(nn.Module):
    """(batch, time, coefficient) -> (batch, 1, embedding_size).

    The time axis shrinks by 8 before pooling. ``channels`` are the widths of the four stages of
    ``blocks`` basic blocks. ``detect_voice`` drops frames whose log energy is not above ``threshold
    + share * mean`` in at least ``proportion`` of the frames within ``context``.
    """

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (16, 32, 64, 128),
        blocks: Sequence[int] = (3, 4, 6, 3),
        heads: int = 8,
        embedding_size: int = 400,
        detect_voice: bool = True,
        threshold: float = 5.5,
        share: float = 0.5,
        proportion: float = 0.12,
        context: int = 2,
    ) -> None:
        super().__init__()
        self.detect_voice = detect_voice
        self.threshold, self.share, self.proportion, self.context = (
            threshold,
            share,
            proportion,
            context,
        )
        self.entrance = _Convolution(1, channels[0], 3, 1)
        self.stages = nn.ModuleList()
        width, bands = channels[0], input_size
        for index, (size, count) in enumerate(zip(channels, blocks, strict=True)):
            for block in range(count):
                stride = 2 if index and not block else 1
                self.stages.append(_Basic(width, size, stride))
                width, bands = size, -(-bands // stride)
        self.pooling = CentrePooling(bands * width, heads)
        self.embedding = nn.Linear(self.pooling.output_size, embedding_size)
        self.norm = MaskedBatchNorm(embedding_size)
        self.output_size = embedding_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, coefficient) -> (batch, 1, embedding_size)."""
        values, mask = self.prepared(stream)
        frames, mask = self.frames(values, mask)
        present = stream.present[:, None]
        pooled, _ = self.pooling(frames, mask)
        # (batch, feature, 1): the norm wants a time axis.
        hidden = F.relu(self.norm(self.embedding(pooled)[:, :, None], present))
        return Stream(hidden.transpose(1, 2), present)

    def prepared(self, stream: Stream) -> tuple[Tensor, Tensor]:
        """Voiced frames moved to the front, with mean 0 per coefficient, and their mask.

        Returns (batch, time, coefficient) and (batch, time).
        """
        values, mask = stream.filled(), stream.mask
        bands = values.shape[2]
        # Coefficient 0 is the mean log band times the root of their number (orthonormal DCT).
        energy = values[..., 0] / math.sqrt(bands) + math.log(bands) + SIXTEEN_BIT
        voiced = self.voiced(energy, mask) if self.detect_voice else mask
        order, _ = compact_order(voiced)
        values, real = rows_at(values, order), length_mask(voiced.sum(dim=1), mask.shape[1])
        return zero_padding(values - masked_mean(values, real)[:, None], real), real

    def voiced(self, energy: Tensor, mask: Tensor) -> Tensor:
        """Kaldi's energy-based decision which frames have voice: (batch, time) bool.

        energy (batch, time); a row without any voice keeps all its frames.
        """
        order, inverse = compact_order(mask)
        real = length_mask(mask.sum(dim=1), mask.shape[1])
        energy = rows_at(energy[..., None], order).squeeze(-1)
        mean = masked_mean(energy, real)[:, None]
        loud = ((energy > self.threshold + self.share * mean) & real).float()
        window = torch.ones(1, 1, 2 * self.context + 1, dtype=energy.dtype, device=energy.device)
        near = F.conv1d(loud[:, None], window, padding=self.context).squeeze(1)
        count = F.conv1d(real.float()[:, None], window, padding=self.context).squeeze(1)
        voiced = real & (near >= self.proportion * count) & (near > 0)
        # A row without any voice keeps all its frames.
        voiced = voiced | (real & ~voiced.any(dim=1, keepdim=True))
        return rows_at(voiced[..., None], inverse).squeeze(-1)

    def frames(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, time, coefficient) -> (batch, time / 8, band x channel) and its mask."""
        hidden, mask = self.entrance(values[:, None], mask)
        for block in self.stages:
            hidden, mask = block(hidden, mask)
        return hidden.transpose(1, 2).flatten(2), mask


class _Convolution(nn.Module):
    """Convolution without bias, batch norm, and ReLU unless told otherwise."""

    def __init__(
        self, input_size: int, size: int, kernel: int, stride: int, relu: bool = True
    ) -> None:
        super().__init__()
        self.convolution = MaskedConv2d(
            input_size, size, (kernel, kernel), (stride, stride), bias=False
        )
        self.norm = MaskedBatchNorm(size)
        self.relu = relu

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        values, mask = self.convolution(values, mask)
        values = self.norm(values, mask)
        return (F.relu(values) if self.relu else values), mask


class _Basic(nn.Module):
    """conv-BN-ReLU-conv-BN plus a shortcut (1 x 1 convolution where the shape changes), ReLU."""

    def __init__(self, input_size: int, size: int, stride: int) -> None:
        super().__init__()
        self.first = _Convolution(input_size, size, 3, stride)
        self.second = _Convolution(size, size, 3, 1, relu=False)
        changes = stride > 1 or input_size != size
        self.shortcut = _Convolution(input_size, size, 1, stride, relu=False) if changes else None

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        hidden, shorter = self.second(*self.first(values, mask))
        direct = values if self.shortcut is None else self.shortcut(values, mask)[0]
        return F.relu(hidden + direct), shorter


class CentrePooling(nn.Module):
    """Multi-head attention pooling by distance to learnt centres; the softmax runs over time.

    ``w_ht = softmax over t of -s_h ||x_t - mu_h||``, ``e_h = sum_t w_ht x_t``, the heads side by
    side. Unlike the learnable dictionary encoding it resembles, the softmax is over time and the
    centre is not subtracted. ``s_h`` is kept positive by softplus.
    """

    def __init__(self, size: int, heads: int = 8) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(heads, size) * 0.1)
        self.raw_scale = nn.Parameter(torch.zeros(heads))
        self.output_size = heads * size

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, time, feature), mask (batch, time) -> (batch, head x feature), weights.

        Weights are (batch, head, time).
        """
        values = zero_padding(values, mask)
        # ||x - mu||^2 without a (batch, head, time, feature) tensor.
        # 1e-8 keeps the root's gradient finite.
        cross = torch.einsum("btf,hf->bht", values, self.centres)
        squares = (
            values.square().sum(-1)[:, None]
            + self.centres.square().sum(-1)[None, :, None]
            - 2.0 * cross
        )
        distances = (squares.clamp_min(0.0) + 1e-8).sqrt()
        weights = masked_softmax(
            -F.softplus(self.raw_scale)[None, :, None] * distances, mask[:, None]
        )
        return torch.einsum("bht,btf->bhf", weights, values).flatten(1), weights

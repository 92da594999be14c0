"""emotion2vec: waveform -> 50 frames per second, from self-supervised training.

It also gives one vector per utterance, token or chunk.

Source: Ma et al., "emotion2vec: self-supervised pre-training for speech emotion representation",
ACL Findings 2024. Pre-trained by the objective ``emotion2vec``.

Differs:
    The scale of the distance bias is read from a checkpoint but does not learn. Padding is kept out
    of the convolutions, so that an utterance's result is the same in any batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.core.weights import RANDOM, Weights
from mmser.models.encoders.audio.emotion2vec.published_names import renamed, sizes_of
from mmser.models.layers.attention.alibi import AlibiBackbone
from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import length_mask, zero_padding
from mmser.models.layers.time.pooling import masked_mean

DOWNLOAD = "emotion2vec_base.pt of the model emotion2vec/emotion2vec_base on the model hub"
Embedding = Literal["frames", "utterance", "mean", "chunk"]
KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)


class Emotion2Vec(nn.Module):
    """Convolutions -> positions -> backbone.

    ``tokens`` utterance vectors are set before the frames. ``embedding``: "frames" (batch, frame,
    size), "utterance" (time 1: the mean of the tokens, or of the frames when there is none), "mean"
    (time 1: the mean of the frames, which the released code calls utterance) or "chunk" (the tokens
    themselves, time = tokens). ``projection_size`` appends linear and ReLU (the probe). ``weights``
    is "random" or a file in the published layout.
    """

    reads: ClassVar[StreamKind] = "waveform"

    def __init__(
        self,
        input_size: int,
        size: int = 768,
        layers: int = 12,
        prenet: int = 4,
        heads: int = 12,
        inner_size: int = 3072,
        channels: int = 512,
        groups: int = 16,
        tokens: int = 10,
        dropout: float = 0.1,
        embedding: Embedding = "frames",
        projection_size: int | None = None,
        weights: str = "random",
    ) -> None:
        super().__init__()
        if embedding not in get_args(Embedding) or (embedding == "chunk" and not tokens):
            raise MmserError(
                "embedding frames, utterance, mean, or chunk with tokens",
                f"'{embedding}'",
                "Correct it.",
            )
        self.embedding = embedding
        self.front = _Front(size, channels, groups)
        self.backbone = AlibiBackbone(size, layers, heads, inner_size, dropout)
        self.tokens = nn.Parameter(torch.randn(tokens, size) * 0.02) if tokens else None
        self.projection = nn.Linear(size, projection_size) if projection_size else None
        self.output_size = projection_size or size
        if weights != RANDOM:
            path = Weights(weights, what="emotion2vec", download=DOWNLOAD).path
            self.load_published(read_tensors(path), prenet, path)

    def forward(self, stream: Stream) -> Stream:
        """(batch, sample[, 1]) at 16 kHz -> (batch, frame or token, output_size)."""
        frames = self.front(stream)
        hidden, _ = self.backbone(frames.values, frames.mask, self.tokens)
        count = 0 if self.tokens is None else len(self.tokens)
        if self.embedding == "frames":
            out = Stream(hidden[:, count:], frames.mask)
        else:
            tokens = hidden[:, :count]
            if self.embedding == "mean" or (self.embedding == "utterance" and not count):
                tokens = masked_mean(hidden[:, count:], frames.mask)[:, None]
            elif self.embedding == "utterance":
                tokens = tokens.mean(dim=1, keepdim=True)
            out = Stream(tokens, frames.mask.any(dim=1, keepdim=True).expand(-1, tokens.shape[1]))
        if self.projection is None:
            return out
        return Stream(F.relu(self.projection(out.filled())), out.mask)

    def load_published(self, published: Mapping[str, Tensor], prenet: int, path: Path) -> None:
        """Take over the tensors of a published file.

        Raises MmserError where one is lacking or has no place.
        """
        tensors = renamed(published, prenet)
        if "backbone.scale" in tensors:
            # One scale for all heads becomes one for each.
            scale = tensors["backbone.scale"].flatten()
            tensors["backbone.scale"] = scale.expand_as(self.backbone.scale)
        remedy = f"Set the encoder's sizes to the file's, or use {DOWNLOAD}."
        # A file without a scale was trained with 1; the probe is not part of it.
        load_tensors(
            self, tensors, "emotion2vec", path, remedy, unset=["backbone.scale", "projection.*"]
        )


def from_checkpoint(path: Path, **options: Any) -> Emotion2Vec:
    """The encoder as large as the published file says, with its weights.

    ``options`` are its other arguments.
    """
    published = read_tensors(path)
    arguments: dict[str, Any] = {**sizes_of(published), **options}
    network = Emotion2Vec(1, **arguments)
    network.load_published(published, arguments["prenet"], path)
    return network


class _Front(nn.Module):
    """Seven convolutions with layer norm, a projection, and five convolutions for positions.

    The last five are grouped.
    """

    def __init__(
        self, size: int, channels: int, groups: int, depth: int = 5, kernel: int = 19
    ) -> None:
        super().__init__()
        sizes = [1, *[channels] * len(KERNELS)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(sizes[layer], channels, KERNELS[layer], STRIDES[layer], bias=False)
            for layer in range(len(KERNELS))
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in KERNELS)
        self.norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, size)
        self.positions = nn.ModuleList(
            nn.Conv1d(size, size, kernel, padding=kernel // 2, groups=groups) for _ in range(depth)
        )

    def forward(self, stream: Stream) -> Stream:
        """(batch, sample) -> Z_0 (batch, frame, size): projected frames plus their positions."""
        return self.placed(self.projected(stream))

    def projected(self, stream: Stream) -> Stream:
        """(batch, sample) -> (batch, frame, size); no frame depends on the others."""
        hidden, mask = self._frames(stream)
        return Stream(zero_padding(self.projection(self.norm(hidden)), mask), mask)

    def placed(self, frames: Stream) -> Stream:
        """Projected frames (batch, frame, size) plus their positions.

        A position depends on 45 frames on each side.
        """
        place, mask = frames.values, frames.mask
        for layer in self.positions:
            place = layer(zero_padding(place, mask).transpose(1, 2)).transpose(1, 2)
            place = F.gelu(F.layer_norm(place, place.shape[-1:]))
        return Stream(zero_padding(frames.values + place, mask), mask)

    def _frames(self, stream: Stream) -> tuple[Tensor, Tensor]:
        waveform = rows_at(stream.filled().flatten(1)[..., None], compact_order(stream.mask)[0])
        hidden = F.pad(waveform.transpose(1, 2), (0, max(0, receptive_field() - waveform.shape[1])))
        lengths, present = stream.lengths, stream.present
        for layer, norm, kernel, stride in zip(
            self.convolutions, self.norms, KERNELS, STRIDES, strict=True
        ):
            lengths = torch.where(present, ((lengths - kernel) // stride + 1).clamp(min=1), 0)
            hidden = F.gelu(norm(layer(hidden).transpose(1, 2))).transpose(1, 2)
        return hidden.transpose(1, 2), length_mask(lengths, hidden.shape[2])


def receptive_field() -> int:
    """Samples that one frame sees: 400."""
    samples = 1
    for kernel, stride in zip(reversed(KERNELS), reversed(STRIDES), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples

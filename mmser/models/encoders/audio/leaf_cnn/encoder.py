"""LEAF-CNN: a learnable filter bank and a small convolutional network on the waveform.

It gives one vector per utterance.

Source: Dutta, Ganapathy, "Multimodal transformer with learnable frontend and self attention for
emotion recognition", ICASSP 2022, with details from its authors' released code.

Differs:
    Waveforms lie in [-1, 1] (released: raw 16-bit numbers), end where they end (released: padded to
    34 s, the silence split at random between front and back, also in the test); only an utterance
    too short for the network is followed by silence. Batch norm and the mean over time see real
    frames.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.models.encoders.audio.leaf_cnn.leaf import Leaf
from mmser.models.layers.convolution.average_pooling import average_pool_2d
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.masks.padding import extent, length_mask
from mmser.models.layers.time.pooling import masked_mean
from mmser.models.layers.turns.row_chunks import in_chunks

FILTERS = 40
"""What three pairs of 3 x 3 convolutions and poolings reduce to one band."""
SHORTEST = 36
"""Frames that leave one step behind the last pooling."""
CHANNELS = ((1, 32), (32, 32), (32, 64), (64, 64), (64, 128))


class LeafCNN(nn.Module):
    """LEAF (40 filters) -> six 3 x 3 convolutions -> mean over time.

    After every second convolution average pooling halves the map; batch norm and ReLU follow each.
    ``stride_ms`` is the time between frames (the paper: 30 ms, to save memory; the released code:
    10 ms). In evaluation mode at most ``rows_at_once`` utterances are computed together.
    """

    reads: ClassVar[StreamKind] = "waveform"

    def __init__(
        self,
        input_size: int,
        output_size: int = 100,
        stride_ms: float = 30.0,
        window: int = 401,
        width: float = 1.0,
        rows_at_once: int = 8,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.rows_at_once = rows_at_once
        self.leaf = Leaf(FILTERS, window, round(16 * stride_ms))
        sizes = [(max(1, round(a * width)) if a > 1 else 1, round(b * width)) for a, b in CHANNELS]
        sizes.append((sizes[-1][1], output_size))
        self.convolutions = nn.ModuleList(nn.Conv2d(source, size, 3) for source, size in sizes)
        self.norms = nn.ModuleList(MaskedBatchNorm(size) for _, size in sizes)

    def forward(self, stream: Stream) -> Stream:
        """(batch, sample) at 16 kHz -> (batch, 1, output_size)."""
        shortest = SHORTEST * self.leaf.stride
        waveform = stream.filled().flatten(1)
        waveform = F.pad(waveform, (0, max(0, shortest - waveform.shape[1])))
        lengths = torch.where(stream.present, extent(stream.mask).clamp(min=shortest), 0)
        mask = length_mask(lengths, waveform.shape[1])
        rows = len(mask) if self.training else self.rows_at_once
        vectors = in_chunks(self._encoded, waveform, mask, rows)
        return Stream(vectors[:, None], stream.present[:, None])

    def _encoded(self, waveform: Tensor, mask: Tensor) -> Tensor:
        """(batch, sample) -> (batch, output_size), zeros where nothing is real."""
        short = max(0, SHORTEST * self.leaf.stride - waveform.shape[1])
        frames, real = self.leaf(F.pad(waveform, (0, short)), F.pad(mask, (0, short)))
        return masked_mean(*self.convolved(frames, real))

    def convolved(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """frames (batch, frame, filter), mask (batch, frame) -> (batch, step, output_size).

        Raises MmserError for fewer than 36 frames.
        """
        if frames.shape[1] < SHORTEST:
            raise MmserError(
                f"at least {SHORTEST} frames",
                f"{frames.shape[1]}",
                "Pad the waveform with silence.",
            )
        values = frames[:, None]  # (batch, channel, frame, filter)
        for number, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            values = convolution(values)
            mask = mask[:, 2:] & mask[:, 1:-1] & mask[:, :-2]
            values = norm(values, mask).relu()
            if number % 2:
                values, mask = average_pool_2d(values, mask, (2, 2), whole=True)
        return values.squeeze(-1).transpose(1, 2), mask

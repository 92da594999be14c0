"""Contrastive predictive coding: the states of a causal GRU over a waveform are the features.

Waveform -> convolutions, one latent vector per 10 ms -> GRU.

Sources: van den Oord, Li, Vinyals, "Representation learning with contrastive predictive coding",
2018; Li et al., "Contrastive unsupervised learning for speech emotion recognition", ICASSP 2021.
Trained by the objective ``cpc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import length_mask, zero_padding
from mmser.models.layers.time.recurrent import Recurrent


class CPC(nn.Module):
    """(batch, sample) at 16 kHz -> (batch, frame, context_size).

    A frame covers as many samples as the product of ``strides``. ``samples`` makes every clip that
    long, by repeating or cutting it (None: as it is). Convolutions are unpadded, so 160,000 samples
    give 998 frames.
    """

    reads: ClassVar[StreamKind] = "waveform"

    def __init__(
        self,
        input_size: int,
        latent_size: int = 128,
        context_size: int = 256,
        kernels: Sequence[int] = (10, 8, 8, 4),
        strides: Sequence[int] = (5, 4, 4, 2),
        samples: int | None = 160_000,
    ) -> None:
        super().__init__()
        self.samples = samples
        self.kernels, self.strides = tuple(kernels), tuple(strides)
        sizes = [1, *[latent_size] * len(kernels)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(sizes[layer], latent_size, kernel, stride)
            for layer, (kernel, stride) in enumerate(zip(kernels, strides, strict=True))
        )
        self.recurrence = Recurrent(latent_size, context_size, "gru", bidirectional=False)
        self.output_size = context_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, sample) or (batch, sample, 1) -> contexts (batch, frame, context_size)."""
        return self.contexts(self.latents(stream))

    def latents(self, stream: Stream) -> Stream:
        """(batch, sample) -> z (batch, frame, latent_size)."""
        waveform, lengths = self._filled(stream.filled().flatten(1), stream)
        present = lengths > 0
        hidden = F.pad(waveform, (0, max(0, self.receptive_field - waveform.shape[1])))[:, None]
        for layer, kernel, stride in zip(
            self.convolutions, self.kernels, self.strides, strict=True
        ):
            lengths = torch.where(present, ((lengths - kernel) // stride + 1).clamp(min=1), 0)
            hidden = F.relu(layer(hidden))
        mask = length_mask(lengths, hidden.shape[2])
        return Stream(zero_padding(hidden.transpose(1, 2), mask), mask)

    def contexts(self, latents: Stream) -> Stream:
        """z (batch, frame, latent_size) -> c (batch, frame, context_size).

        c at step t has seen z up to t alone.
        """
        return Stream(self.recurrence(latents.values, latents.mask).outputs, latents.mask)

    @property
    def receptive_field(self) -> int:
        """Samples that one frame sees."""
        samples = 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            samples = (samples - 1) * stride + kernel
        return samples

    def _filled(self, waveform: Tensor, stream: Stream) -> tuple[Tensor, Tensor]:
        """Real samples moved to the front; padding repeats the clip where ``samples`` is set.

        Sample n is then sample n modulo the clip's length.
        """
        lengths = stream.lengths
        waveform = rows_at(waveform[..., None], compact_order(stream.mask)[0]).squeeze(-1)
        if self.samples is None:
            return waveform, lengths
        steps = torch.arange(self.samples, device=waveform.device)
        filled = rows_at(waveform[..., None], steps % lengths.clamp(min=1)[:, None]).squeeze(-1)
        return filled, torch.where(lengths > 0, self.samples, 0)

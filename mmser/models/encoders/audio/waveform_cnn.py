"""A convolutional network over the raw waveform of a whole sequence, one vector per label frame.

Source: Tzirakis, Nguyen, Zafeiriou, Schuller, "Speech emotion recognition using semantic
information", ICASSP 2021, with details from its authors' released code.

Differs:
    ``frames="aligned"`` (the default) averages the network's steps within each label frame. The
    released code reshapes steps to frames instead, which cuts through steps and rotates the
    channels from frame to frame; "released" does so.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.convolution.masked import MaskedConv1d, max_pool_1d


class WaveformCNN(nn.Module):
    """Frames joined to one waveform -> three convolutions -> one vector per frame.

    Max pooling, ReLU and dropout follow each convolution. ``input_size`` is the number of samples
    per frame. A step of the network covers ``prod(pools)`` samples; the vector of frame t is the
    mean of the steps that overlap it. With ``frames="released"`` the vector has ``input_size``
    features, the sequence must divide evenly, and padding counts as silence.
    """

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (50, 125, 250),
        kernels: Sequence[int] = (8, 6, 6),
        pools: Sequence[int] = (10, 5, 5),
        dropout: float = 0.5,
        frames: Literal["aligned", "released"] = "aligned",
    ) -> None:
        super().__init__()
        if not len(channels) == len(kernels) == len(pools):
            raise MmserError(
                "as many channels as kernels and pools",
                f"{channels} {kernels} {pools}",
                "Correct them.",
            )
        if frames not in ("aligned", "released"):
            raise MmserError("frames aligned or released", f"'{frames}'", "Correct it.")
        sizes = (1, *channels)
        self.convolutions = nn.ModuleList(
            MaskedConv1d(sizes[layer], sizes[layer + 1], kernel)
            for layer, kernel in enumerate(kernels)
        )
        self.pools = tuple(pools)
        self.dropout = nn.Dropout(dropout)
        self.frames = frames
        self.output_size = channels[-1] if frames == "aligned" else input_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, frame, sample) -> (batch, frame, output_size)."""
        samples = stream.values.shape[2]
        values = stream.filled().flatten(1)[..., None]  # (batch, sample of all frames, 1)
        mask = stream.mask.repeat_interleave(samples, dim=1)
        for convolution, pool in zip(self.convolutions, self.pools, strict=True):
            values, mask = convolution(values, mask)
            # Pooling before the ReLU gives the same and keeps less.
            values, mask = max_pool_1d(values, mask, pool)
            values = self.dropout(F.relu(values))
        if self.frames == "released":
            return Stream(self._reshaped(values, stream.mask.shape[1], samples), stream.mask)
        return Stream(self._averaged(values, mask, stream.mask.shape[1], samples), stream.mask)

    def _averaged(self, values: Tensor, mask: Tensor, frames: int, samples: int) -> Tensor:
        """values (batch, step, channel) -> (batch, frame, channel).

        The mean over the real steps of each frame.
        """
        step = prod(self.pools)
        frame = torch.arange(frames, device=values.device)
        # Steps that overlap frame t: from floor(t samples / step) to ceil((t + 1) samples / step).
        first, last = frame * samples // step, -(-(frame + 1) * samples // step)
        widest = ceil(samples / step) + 1
        index = first[:, None] + torch.arange(widest, device=values.device)
        inside = index < last[:, None].clamp(max=values.shape[1])
        index = index.clamp(max=values.shape[1] - 1)
        # (batch, frame, step of the frame)
        real = mask[:, index.flatten()].unflatten(1, index.shape) & inside
        total = values.new_zeros(len(values), frames, values.shape[2])
        for place in range(widest):  # a handful of steps, never frames
            step_values = values.index_select(1, index[:, place])
            total = total + step_values.masked_fill(~real[..., place, None], 0.0)
        return total / real.sum(dim=2).clamp(min=1)[..., None]

    def _reshaped(self, values: Tensor, frames: int, samples: int) -> Tensor:
        """values (batch, step, channel) -> (batch, frame, sample), as a plain reshape gives it.

        Numbers keep their order, whatever channel and step they come from.
        """
        if frames * samples % prod(self.pools):
            raise MmserError(
                f"a sequence of a multiple of {prod(self.pools)} samples for frames=released",
                f"{frames} frames of {samples}",
                "Cut sequences to such lengths, or use frames=aligned.",
            )
        return values.reshape(len(values), frames, -1)

"""ResNet-18 over spectrograms of different lengths: residual blocks that see real frames only.

Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, in the form
for small pictures: a 3 x 3 stem of stride 1 without pooling, one input channel.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.models.layers.convolution.masked import MaskedConv2d
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.masks.padding import length_mask

STAGES = (1, 2, 4, 8)
"""Channels of the four stages of two blocks each, in units of ``width``; all but the first halve
time and frequency.
"""


class MaskedResNet(nn.Module):
    """3 x 3 stem -> four stages of two basic blocks -> mean over time and frequency.

    ``pooling="released"`` averages 2 x 2 places again and again until one frame is left, which
    forgets the frames beyond the last power of two.
    """

    def __init__(self, width: int = 64, pooling: Literal["mean", "released"] = "mean") -> None:
        super().__init__()
        if pooling not in ("mean", "released"):
            raise MmserError("pooling mean or released", f"'{pooling}'", "Correct fusion.pooling.")
        self.pooling = pooling
        self.stem = _Unit(1, width, (3, 3))
        blocks = []
        size = width
        for stage, factor in enumerate(STAGES):
            blocks += [
                _Block(size, factor * width, 2 if stage else 1),
                _Block(factor * width, factor * width, 1),
            ]
            size = factor * width
        self.blocks = nn.ModuleList(blocks)
        self.output_size = size

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (row, time, frequency), mask (row, time) -> (row, 8 width).

        Real frames come first.
        """
        hidden, mask = self.stem(values[:, None], mask)
        hidden = F.relu(hidden)
        for block in self.blocks:
            hidden, mask = block(hidden, mask)
        return self._pooled(hidden, mask)

    def _pooled(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """hidden (row, channel, time, frequency) -> (row, channel)."""
        if self.pooling == "mean":
            total = hidden.masked_fill(~mask[:, None, :, None], 0.0).mean(dim=3).sum(dim=2)
            return total / mask.sum(dim=1, keepdim=True).clamp(min=1)
        # n halvings read the first 2^n frames, and as many rows as divide by 2^n.
        frames = 2 ** torch.log2(mask.sum(dim=1).clamp(min=1).float()).floor().long()
        rows = hidden.shape[3] // frames * frames
        if bool((rows == 0).any()):
            raise MmserError(
                f"segments of at most {hidden.shape[3]} pooled frames for pooling=released",
                str(int(frames.max())),
                "Use pooling=mean.",
            )
        time, frequency = length_mask(frames, hidden.shape[2]), length_mask(rows, hidden.shape[3])
        both = (time[:, None, :, None] & frequency[:, None, None]).to(hidden.dtype)
        return (hidden.nan_to_num() * both).sum(dim=(2, 3)) / both.sum(dim=(2, 3))


class _Unit(nn.Module):
    """Convolution and batch norm."""

    def __init__(
        self, input_size: int, output_size: int, kernel: tuple[int, int], stride: int = 1
    ) -> None:
        super().__init__()
        self.convolution = MaskedConv2d(
            input_size, output_size, kernel, (stride, stride), bias=False
        )
        self.norm = MaskedBatchNorm(output_size)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (row, channel, time, frequency), mask (row, time) -> the same, strided."""
        values, mask = self.convolution(values, mask)
        return self.norm(values, mask), mask


class _Block(nn.Module):
    """``relu(norm(conv(relu(norm(conv(x))))) + shortcut(x))``."""

    def __init__(self, input_size: int, output_size: int, stride: int) -> None:
        super().__init__()
        self.first = _Unit(input_size, output_size, (3, 3), stride)
        self.second = _Unit(output_size, output_size, (3, 3))
        changed = stride > 1 or input_size != output_size
        self.shortcut = _Unit(input_size, output_size, (1, 1), stride) if changed else None

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (row, channel, time, frequency), mask (row, time) -> the same, strided."""
        hidden, inner = self.first(values, mask)
        hidden, inner = self.second(F.relu(hidden), inner)
        past = values if self.shortcut is None else self.shortcut(values, mask)[0]
        return F.relu(hidden + past), inner

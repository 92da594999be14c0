"""The grouped convolution of positions (wav2vec 2.0) as one product for each group, on a GPU.

Its 128 taps over 48 channels are no shape that a GPU's convolutions are made for: in bfloat16 they
take thirty times as long, most of a base network's time. Here eight neighbouring frames of a group
are one row of a product: their weights side by side, each shifted by a frame, make a matrix of
(135 * 48, 8 * 48) numbers, of which one sixteenth are zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_BLOCK = 8
"""Frames of a row."""


class PositionBlocks:
    """Takes the weights of ``convolution``, which pads both sides by half a kernel."""

    def __init__(self, convolution: nn.Conv1d) -> None:
        self.groups, self.kernel = convolution.groups, convolution.kernel_size[0]
        weight = convolution.weight.detach()
        bias = convolution.bias
        self.bias = weight.new_zeros(len(weight)) if bias is None else bias.detach()
        out, channels, _ = weight.shape
        # (group, tap, channel, out of the group)
        taps = weight.unflatten(0, (self.groups, -1)).permute(0, 3, 2, 1)
        reach, size = _BLOCK + self.kernel - 1, out // self.groups
        shifted = weight.new_zeros(self.groups, reach, channels, _BLOCK, size)
        for frame in range(_BLOCK):
            shifted[:, frame : frame + self.kernel, :, frame] = taps
        self.weight = shifted.flatten(1, 2).flatten(2)

    def __call__(self, values: Tensor) -> Tensor:
        """(frame, feature) -> the same shape, with zeros for what lies beyond both ends."""
        count, size = values.shape
        blocks = -(-count // _BLOCK)
        before = self.kernel // 2
        behind = blocks * _BLOCK + self.kernel - 1 - before - count
        padded = F.pad(values, (0, 0, before, behind))
        # (group, frame, channel of the group)
        grouped = padded.unflatten(1, (self.groups, -1)).transpose(0, 1).contiguous()
        channels = size // self.groups
        reach = (_BLOCK + self.kernel - 1) * channels
        rows = grouped.flatten(1).unfold(1, reach, _BLOCK * channels)  # (group, block, reach)
        made = torch.bmm(rows.contiguous(), self.weight)
        frames = made.unflatten(2, (_BLOCK, -1)).flatten(1, 2)  # (group, frame, channel)
        return frames.transpose(0, 1).flatten(1)[:count] + self.bias

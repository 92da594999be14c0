"""The positions of wav2vec 2.0 and its kin: grouped convolutions over packed rows.

On a GPU each is one product for every group. Its 128 taps over 48 channels are no shape that
convolutions there are made for: in bfloat16 they take thirty times as long, most of a base
network's time. Here eight neighbouring frames of a group are one row of a product: their weights
side by side, each shifted by a frame, make a matrix of (135 * 48, 8 * 48) numbers, of which one
sixteenth are zeros.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.extractors.networks.packing import Packing

_BLOCK = 8
"""Frames of a row."""


class Positions:
    """``embed`` is the ``pos_conv_embed`` of a network that is placed already.

    Several convolutions follow each other in data2vec, a batch norm comes before them in some
    HuBERT: whatever they are, nothing of a row's neighbours or of padding reaches its frames.
    """

    def __init__(self, embed: Any) -> None:
        self._norm = getattr(embed, "batch_norm", None)
        self._layers = getattr(embed, "layers", None) or [embed]
        self._convolved = [
            PositionBlocks(layer.conv) if layer.conv.weight.is_cuda else _PlainPositions(layer.conv)
            for layer in self._layers
        ]

    def __call__(self, hidden: Tensor, packing: Packing) -> Tensor:
        """(frame, size) -> the same shape, from the frames around each in its row."""
        if self._norm is not None:
            hidden = self._norm(hidden)
        for layer, convolved in zip(self._layers, self._convolved, strict=True):
            # Zeros between the rows, as much as a kernel reaches.
            wide, places = packing.apart(hidden, gap=layer.conv.kernel_size[0] // 2)
            hidden = convolved(wide)
            if packing.rows > 1:
                hidden = hidden.index_select(0, places)
            if hasattr(layer, "layer_norm"):
                hidden = layer.layer_norm(hidden)
            hidden = layer.activation(hidden)
        return hidden


class _PlainPositions:
    """The convolution itself, (frame, feature) -> the same shape."""

    def __init__(self, convolution: nn.Conv1d) -> None:
        self.convolution = convolution

    def __call__(self, values: Tensor) -> Tensor:
        # An even kernel gives a frame too many.
        frames: Tensor = self.convolution(values.T[None])[0].T[: len(values)]
        return frames


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

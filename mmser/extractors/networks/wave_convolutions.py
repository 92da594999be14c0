"""The convolutions of the wav2vec 2.0 family as matrix products over frames, for inference.

The group norm of a base model's first layer asks for mean and variance of each channel over the
valid frames of a row. Both follow from the frames' own mean and covariance (10 x 10 numbers of the
waveform, in float64): the norm becomes a scale and a shift of the layer's weights, one pair for
each row, and no pass over its 512 channels is left. Every other layer is a product of neighbouring
frames side by side, which lie so in memory where channels come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.extractors.networks.transfers import sent

_TILE_FRAMES = 10
"""Frames of a tile: rows of a batch are whole tiles, so that little of them is padding."""
_CHUNK = 512
"""Frames whose covariance is one product: short ones fill a GPU."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """``taps[n]`` (stride * channel, out) reads the n-th group of ``stride`` frames."""

    taps: tuple[Tensor, ...]
    kernel: int
    stride: int
    own: Any


class WaveConvolutions:
    """``extractor`` is the ``feature_extractor`` of a network that is placed already.

    Its parameters are read now and must not change afterwards.
    """

    def __init__(self, extractor: Any) -> None:
        self._layers = [_read(layer) for layer in extractor.conv_layers]
        self.stride = 1
        for layer in self._layers:
            self.stride *= layer.stride

    def frame_count(self, samples: int) -> int:
        """Frames that a waveform of so many samples gives by itself."""
        for layer in self._layers:
            samples = (samples - layer.kernel) // layer.stride + 1
        return samples

    def __call__(self, waveforms: Tensor, samples: Sequence[int]) -> tuple[Tensor, list[int]]:
        """(row, sample), of which each row's first ``samples`` count -> (frame, channel), all rows
        one after another, and where each row begins; what follows its own frames means nothing.
        """
        frames = _TILE_FRAMES if len(samples) > 1 else 1
        tile = frames * self.stride
        counts = [-(-length // tile) for length in samples]
        padded = F.pad(waveforms, (0, -waveforms.shape[1] % tile))
        tiles = padded.unflatten(1, (-1, tile))
        each = tiles.shape[1]
        used = torch.cat([torch.arange(count) + row * each for row, count in enumerate(counts)])
        sound = tiles.flatten(0, 1)[: counts[0]]
        if len(samples) > 1:
            sound = tiles.flatten(0, 1).index_select(0, sent(used, waveforms.device))
        first, *others = self._layers
        owners = sent(used // each, waveforms.device)
        hidden = _first(first, sound, waveforms, samples, owners)
        for layer in others:
            hidden = _further(layer, hidden)
        starts = [0, *accumulate(counts)][:-1]
        return hidden, [start * frames for start in starts]


def _read(layer: Any) -> _Layer:
    weight = layer.conv.weight.detach()
    kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
    taps = []
    for start in range(0, kernel, stride):
        group = weight[:, :, start : start + stride]
        # (out, channel, frame) -> (frame * channel, out)
        taps.append(group.permute(2, 1, 0).flatten(0, 1).contiguous())
    return _Layer(tuple(taps), kernel, stride, layer)


def _first(
    layer: _Layer,
    tiles: Tensor,
    waveforms: Tensor,
    samples: Sequence[int],
    owners: Tensor,
) -> Tensor:
    """tiles (tile, sample), the row of each in ``owners`` -> (frame, channel)."""
    weight = torch.cat(layer.taps).float()  # (kernel, channel)
    # A column of ones carries the bias; tensor cores want a multiple of eight columns.
    width = -(-(layer.kernel + 1) // 8) * 8
    sound = F.pad(tiles.flatten(), (0, layer.kernel))
    frames = tiles.numel() // layer.stride
    dtype = layer.taps[0].dtype
    columns = sound.new_zeros(frames, width, dtype=dtype)
    columns[:, : layer.kernel] = sound.unfold(0, layer.kernel, layer.stride)[:frames]
    columns[:, layer.kernel] = 1.0
    norm = getattr(layer.own, "layer_norm", None)
    if isinstance(norm, nn.GroupNorm):
        scale, shift = _scale_and_shift(layer, norm, weight, waveforms, samples)
    else:
        scale, shift = weight.new_ones(1, weight.shape[1]), _bias(layer, weight)[None]
    rows = torch.cat([weight * scale[:, None], shift[:, None]], dim=1)
    rows = F.pad(rows, (0, 0, 0, width - rows.shape[1])).to(dtype)
    if len(rows) == 1:
        return _activated(layer, columns @ rows[0])
    values = columns.unflatten(0, (len(tiles), -1)) @ rows.index_select(0, owners)
    return _activated(layer, values.flatten(0, 1))


def _scale_and_shift(
    layer: _Layer, norm: nn.GroupNorm, weight: Tensor, waveforms: Tensor, samples: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """What the norm makes of ``weight`` (kernel, channel) in each row: (row, channel) twice.

    A bias of the convolution would leave with the mean.
    """
    counts = [(length - layer.kernel) // layer.stride + 1 for length in samples]
    valid = sent(counts, waveforms.device)
    taps = waveforms.unfold(1, layer.kernel, layer.stride)
    frames = taps.shape[1]
    is_valid = torch.arange(frames, device=taps.device) < valid[:, None]
    seen = taps.double() * is_valid[..., None]
    seen = F.pad(seen, (0, 0, 0, -frames % _CHUNK)).unflatten(1, (-1, _CHUNK))
    count = valid[:, None].double()
    mean = seen.sum(dim=(1, 2)) / count  # (batch, kernel)
    products = (seen.transpose(2, 3) @ seen).sum(dim=1) / count[..., None]
    covariance = products - mean[:, :, None] * mean[:, None]
    exact = weight.double()
    variance = ((covariance @ exact) * exact).sum(dim=1)  # (batch, channel)
    scale = norm.weight.double() * torch.rsqrt(variance.clamp(min=0.0) + norm.eps)
    shift = norm.bias.double() - (mean @ exact) * scale
    return scale.float(), shift.float()


def _bias(layer: _Layer, weight: Tensor) -> Tensor:
    bias = layer.own.conv.bias
    return weight.new_zeros(weight.shape[1]) if bias is None else bias.detach().float()


def _further(layer: _Layer, hidden: Tensor) -> Tensor:
    """(frame, channel) -> (frame / stride, channel)."""
    groups = hidden.reshape(-1, layer.stride * hidden.shape[1])
    first, *others = layer.taps
    bias, seen = layer.own.conv.bias, groups[:, : len(first)]
    values = seen @ first if bias is None else torch.addmm(bias, seen, first)
    for shift, taps in enumerate(others, 1):
        # Frames of a row reach only its own; the last ones read the next row, and mean nothing.
        values[:-shift].addmm_(groups[shift:, : len(taps)], taps)
    return _activated(layer, values)


def _activated(layer: _Layer, values: Tensor) -> Tensor:
    """The layer's norm over channels, where it has one, and its activation."""
    norm = getattr(layer.own, "layer_norm", None)
    if isinstance(norm, nn.LayerNorm):
        values = norm(values)
    activated: Tensor = layer.own.activation(values)
    return activated

"""RepLKNet: large depthwise kernels over a log-mel map.

Source: Ding, Zhang, Han, Ding, "Scaling up your kernels to 31x31: revisiting large kernel design in
CNNs", CVPR 2022. The paper is about images; one input channel, the sizes of ``ser_tiny`` and the
training recipe are this project's.

Differs:
    Length is free: a clip shorter than 3 s is masked, not filled with zeros, and the average counts
    real steps alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.audio.replknet.large_kernel import (
    ConvFeedForward,
    ConvNorm,
    LargeKernelBlock,
    depthwise,
    pointwise,
)
from mmser.models.layers.convolution.average_pooling import average_map
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm


class RepLKNet(nn.Module):
    """Stem (/4) -> stages of [large kernel block, feed-forward] -> global average.

    The map is halved between stages. ``channels``, ``blocks`` and ``kernels`` are per stage; a
    kernel is one number or (frequency, time). ``ratio`` is the depthwise width. ``small_kernel``
    None leaves the parallel kernel out. ``drop_path`` is the rate of the last block, rising
    linearly from 0. ``image_channels`` is 1 for a spectrogram. `merge_large_kernels` makes it a
    plain network for inference.
    """

    def __init__(
        self,
        input_size: int,
        channels: Sequence[int] = (32, 64, 128, 256),
        blocks: Sequence[int] = (1, 1, 3, 1),
        kernels: Sequence[int | Sequence[int]] = (31, 29, 27, 13),
        ratio: float = 1.0,
        small_kernel: int | None = 5,
        drop_path: float = 0.1,
        image_channels: int = 1,
    ) -> None:
        super().__init__()
        if not len(channels) == len(blocks) == len(kernels):
            lengths = f"{len(channels)}, {len(blocks)} and {len(kernels)}"
            raise MmserError(
                "channels, blocks and kernels of as many stages",
                lengths,
                "Give one of each per stage.",
            )
        rates = iter(torch.linspace(0, drop_path, sum(blocks), device="cpu").tolist())
        first = channels[0]
        self.stem = nn.ModuleList(
            [
                ConvNorm(image_channels, first, (3, 3), (2, 2)),
                depthwise(first, (3, 3)),
                pointwise(first, first),
                depthwise(first, (3, 3), (2, 2)),
            ]
        )
        self.stages, self.transitions = nn.ModuleList(), nn.ModuleList()
        for stage, (size, count, kernel) in enumerate(zip(channels, blocks, kernels, strict=True)):
            own = [next(rates) for _ in range(count)]
            self.stages.append(_stage(size, own, _time_first(kernel), small_kernel, ratio))
            if stage + 1 < len(channels):
                after = channels[stage + 1]
                self.transitions.append(
                    nn.ModuleList([pointwise(size, after), depthwise(after, (3, 3), (2, 2))])
                )
        self.norm = MaskedBatchNorm(channels[-1])
        self.output_size = channels[-1]

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, band) -> (batch, 1, output_size)."""
        values, mask = self.maps(stream.filled()[:, None], stream.mask)
        return Stream(average_map(self.norm(values, mask), mask)[:, None], stream.present[:, None])

    def maps(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, image channel, time, band), mask (batch, time) -> the last stage's map, mask."""
        values, mask = _through(self.stem, values, mask)
        for stage, blocks in enumerate(self.stages):
            for block in blocks:  # type: ignore[attr-defined]
                values = block(values, mask)
            if stage < len(self.transitions):
                values, mask = _through(self.transitions[stage], values, mask)
        return values, mask


def _through(units: nn.Module, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """A chain of `ConvNorm`, each followed by ReLU."""
    for unit in units:  # type: ignore[attr-defined]
        values, mask = unit(values, mask)
        values = F.relu(values)
    return values, mask


def _stage(
    size: int, rates: list[float], kernel: tuple[int, int], small: int | None, ratio: float
) -> nn.ModuleList:
    blocks: list[nn.Module] = []
    for rate in rates:
        blocks += [LargeKernelBlock(size, kernel, small, ratio, rate), ConvFeedForward(size, rate)]
    return nn.ModuleList(blocks)


def _time_first(kernel: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(kernel, int):
        return kernel, kernel
    frequency, time = kernel
    return time, frequency

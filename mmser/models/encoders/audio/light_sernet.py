"""LIGHT-SERNET: three parallel convolution paths over an MFCC map, then small convolution blocks.

There are five of these blocks.

Source: Aftab, Morsali, Ghaemmaghami, Champagne, "LIGHT-SERNET: a lightweight fully convolutional
neural network for speech emotion recognition", ICASSP 2022, with its authors' released code.

Differs:
    Length is free (the paper fixes 3 s or 7 s, as the extractor does): average pooling and batch
    statistics count real steps alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.models.layers.convolution.average_pooling import average_map, average_pool_2d
from mmser.models.layers.convolution.conv_block import ConvBlock

PATHS = ((11, 1), (1, 9), (3, 3))
"""(time, cepstral) kernels: along time, along the cepstrum, jointly."""
LAYERS = ((64, 3, (2, 2)), (96, 3, (2, 2)), (128, 3, (2, 1)), (160, 3, (2, 1)), (320, 1, (1, 1)))
"""Output channels, kernel and pooling of the local feature learning blocks."""


class LightSerNet(nn.Module):
    """Three paths -> 4 x [conv 3x3, pool] -> conv 1x1 -> global average: 320 features.

    The paths are conv 11x1, 1x9 and 3x3, each with pooling. ``momentum`` is torch's (one minus the
    running-average decay of 0.99); weights start as Keras's do.
    """

    def __init__(self, input_size: int, epsilon: float = 1e-3, momentum: float = 0.01) -> None:
        super().__init__()

        def block(inner: int, outer: int, kernel: tuple[int, int], bias: bool) -> ConvBlock:
            return ConvBlock(inner, outer, kernel, bias, epsilon, momentum)

        self.paths = nn.ModuleList(block(1, 32, kernel, bias=True) for kernel in PATHS)
        sizes = [32 * len(PATHS), *(channels for channels, _, _ in LAYERS)]
        self.layers = nn.ModuleList(
            block(inner, outer, (kernel, kernel), bias=False)
            for inner, (outer, kernel, _) in zip(sizes, LAYERS, strict=False)
        )
        self.output_size = sizes[-1]
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, coefficient) -> (batch, 1, 320)."""
        values, mask = self._parallel(stream.filled()[:, None], stream.mask)
        for layer, (_, _, size) in zip(self.layers, LAYERS, strict=True):
            values, mask = average_pool_2d(layer(values, mask), mask, size)
        return Stream(average_map(values, mask)[:, None], stream.present[:, None])

    def _parallel(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 1, time, coefficient) -> (batch, 96, time / 2, coefficient / 2)."""
        pooled = [average_pool_2d(path(values, mask), mask, (2, 2)) for path in self.paths]
        return torch.cat([path for path, _ in pooled], dim=1), pooled[0][1]

"""The network of wav2vec 1.0 (Schneider et al., Interspeech 2019), in the published "large"
geometry.

Names of parameters are those of the published checkpoint, so that it loads as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ENCODER = ((10, 5), (8, 4), (4, 2), (4, 2), (4, 2), (1, 1), (1, 1))
"""Kernel and stride of the encoder's convolutions; 160 samples a frame."""
CONTEXT_KERNELS = tuple(range(2, 14))
STRIDE = 160
RECEPTIVE_FIELD = 465
RESIDUAL_SCALE = 0.5**0.5


class _Stack(nn.Module):
    def __init__(self, blocks: list[nn.Sequential]) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList(blocks)


class Wav2VecNetwork(nn.Module):
    """waveform (batch, sample) -> 7 convolutions -> log(1 + |x|) -> 12 causal convolutions with
    residuals.

    Every convolution is followed by one group norm over channels and time together, and ReLU: the
    result depends on the length of the signal, so that utterances must not be padded.

    Args:
        size: channels throughout (512 in the published model).
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        sources = [1, *[size] * (len(ENCODER) - 1)]
        self.feature_extractor = _Stack(
            [
                nn.Sequential(
                    nn.Conv1d(source, size, kernel, stride, bias=False),
                    nn.Identity(),
                    nn.GroupNorm(1, size),
                    nn.ReLU(),
                )
                for source, (kernel, stride) in zip(sources, ENCODER, strict=True)
            ]
        )
        self.feature_aggregator = _Stack(
            [
                nn.Sequential(
                    nn.ReplicationPad1d((kernel - 1, 0)),
                    nn.Conv1d(size, size, kernel),
                    nn.Identity(),
                    nn.GroupNorm(1, size),
                    nn.ReLU(),
                )
                for kernel in CONTEXT_KERNELS
            ]
        )

    def forward(self, waveform: Tensor) -> Tensor:
        """(batch, sample), all of one length -> (batch, time, size)."""
        values = waveform[:, None]
        for block in self.feature_extractor.conv_layers:
            values = block(values)
        values = torch.log1p(values.abs())
        for block in self.feature_aggregator.conv_layers:
            values = (block(values) + values) * RESIDUAL_SCALE
        return values.transpose(1, 2)

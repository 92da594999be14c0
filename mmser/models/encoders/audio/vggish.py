"""VGGish: log-mel examples of 0.96 s -> one embedding of 128 per example.

Source: Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017, in
the size of the released network (without its quantisation step).

Differs:
    ``channels`` and ``hidden_sizes`` may be made smaller. The published weights are not fetched:
    start from random ones (He et al., 2015: nine layers with ReLU and no norm die out from smaller
    ones) or load an earlier stage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.models.layers.convolution.masked import window_max
from mmser.models.layers.time.segments import segment_grid


class VGGish(nn.Module):
    """Four convolution blocks -> two hidden layers -> ``size`` features per example.

    A block is 3 x 3 convolutions with ReLU, and max pooling by 2. ``blocks`` from the input to the
    output are the convolution blocks, then the dense part (``dense``), so that name patterns such
    as ``encoders.audio.blocks.3.*`` unfreeze them one by one. ``example`` and ``hop`` are in frames
    of 10 ms; a clip shorter than an example is filled up with ``silence`` (its feature value), a
    tail is dropped.
    """

    feature_shape: ClassVar[tuple[int, ...]] = (64,)

    def __init__(
        self,
        input_size: int,
        channels: Sequence[Sequence[int]] = ((64,), (128,), (256, 256), (512, 512)),
        hidden_sizes: Sequence[int] = (4096, 4096),
        size: int = 128,
        example: int = 96,
        hop: int = 96,
        silence: float = math.log(0.01),
    ) -> None:
        super().__init__()
        self.example, self.hop, self.silence = example, hop, silence
        bands = self.feature_shape[0]
        depth, built = 1, []
        for block in channels:
            layers: list[nn.Module] = []
            for width in block:
                layers += [nn.Conv2d(depth, width, 3, padding=1), nn.ReLU()]
                depth = width
            built.append(nn.Sequential(*layers))
        self.blocks = nn.ModuleList(built)
        shrink = 2 ** len(channels)
        inner, dense = (example // shrink) * (bands // shrink) * depth, []
        for width in (*hidden_sizes, size):
            dense.append(nn.Linear(inner, width))
            inner = width
        self.dense = nn.ModuleList(dense)
        self.output_size = size
        self.apply(_start)
        nn.init.xavier_uniform_(self.dense[-1].weight)  # type: ignore[arg-type]

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, 64) -> (batch, example, size)."""
        examples, mask = segment_grid(
            stream.values, stream.mask, self.example, self.hop, fill=self.silence
        )
        vectors = self.embed(examples.flatten(0, 1)[:, None])
        return Stream(vectors.unflatten(0, mask.shape).masked_fill(~mask[..., None], 0.0), mask)

    def embed(self, examples: Tensor) -> Tensor:
        """(example, 1, frame, band) -> (example, size)."""
        hidden = examples
        for block in self.blocks:
            hidden = block(hidden)
            hidden = window_max(hidden, 2, 2)
        # (example, time x band x channel), the released order
        hidden = hidden.permute(0, 2, 3, 1).flatten(1)
        for layer in self.dense[:-1]:
            hidden = F.relu(layer(hidden))
        return self.dense[-1](hidden)


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]

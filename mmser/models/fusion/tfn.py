"""TFN: the outer product of all modality vectors, each extended by a constant one.

Source: Zadeh, Chen, Poria, Cambria, Morency, "Tensor fusion network for multimodal sentiment
analysis", EMNLP 2017. ``z = [1 ; z_1] x [1 ; z_2] x [1 ; z_3]`` holds every uni-, bi- and trimodal
product once.

Differs:
    An absent modality is [1 ; 0]: the products without it remain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.time.pooling import last_step

LARGEST_TENSOR = 1 << 20
"""Entries; the first linear layer has as many columns."""


class TFN(nn.Module):
    """Outer product of the streams' last steps -> dropout -> two linear layers with ReLU.

    Both layers are of ``size``. Meant for streams of one step (an utterance vector); of a longer
    one the last step counts.
    """

    def __init__(
        self, input_sizes: Mapping[str, int], size: int = 128, dropout: float = 0.15
    ) -> None:
        super().__init__()
        entries = math.prod(width + 1 for width in input_sizes.values())
        if entries > LARGEST_TENSOR:
            raise MmserError(
                f"modality vectors whose product has at most {LARGEST_TENSOR} entries",
                f"{entries} from sizes "
                f"{', '.join(f'{name} {width}' for name, width in input_sizes.items())}",
                "Let the encoders give smaller vectors, drop a stream, or use fusion lmf.",
            )
        self.names = tuple(input_sizes)
        self.output_size = size
        self.inference = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(entries, size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(size, size),
            nn.ReLU(),
        )

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, size)."""
        return Fused(self.inference(self.tensor(streams)))

    def tensor(self, streams: Mapping[str, Stream]) -> Tensor:
        """The outer product, flattened: (batch, product of (feature + 1)), first stream slowest."""
        vectors = [
            F.pad(last_step(streams[n].values, streams[n].mask), (1, 0), value=1.0)
            for n in self.names
        ]
        return reduce(
            lambda product, vector: torch.einsum("bi,bj->bij", product, vector).flatten(1), vectors
        )

"""A feature sequence -> one vector per utterance.

By mean, max, mean and deviation, learnt attention over time, or mean and deviation under it.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from mmser.core.batch import Stream
from mmser.models.layers.time.pooling import (
    AttentionPooling,
    AttentiveStatisticsPooling,
    masked_max,
    masked_mean,
    masked_statistics,
)

_POOLINGS = {"mean": masked_mean, "max": masked_max, "statistics": masked_statistics}


class Pool(nn.Module):
    """Pool over real steps, time = 1 remains; an absent stream stays absent."""

    def __init__(
        self,
        input_size: int,
        pooling: Literal[
            "mean", "max", "statistics", "attention", "attentive_statistics"
        ] = "statistics",
    ) -> None:
        super().__init__()
        self.attention: nn.Module | None = None
        if pooling == "attention":
            self.attention = AttentionPooling(input_size)
        elif pooling == "attentive_statistics":
            self.attention = AttentiveStatisticsPooling(input_size)
        self.pooling = pooling
        self.output_size = input_size * 2 if pooling.endswith("statistics") else input_size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, 1, output_size)."""
        if self.attention is not None:
            vector, _ = self.attention(stream.values, stream.mask)
        else:
            vector = _POOLINGS[self.pooling](stream.values, stream.mask)
        return Stream(vector[:, None], stream.present[:, None])

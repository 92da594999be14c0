"""Pool every stream over time and concatenate: the baseline that any fusion has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import nn

from mmser.core.batch import Context, Fused, Stream
from mmser.models.layers.time.pooling import (
    AttentiveStatisticsPooling,
    last_step,
    masked_max,
    masked_mean,
    masked_statistics,
    masked_sum,
)

_POOLINGS = {
    "mean": masked_mean,
    "sum": masked_sum,
    "max": masked_max,
    "statistics": masked_statistics,
    "last": last_step,
}


class Concat(nn.Module):
    """[pool(stream 1) ; pool(stream 2) ; ...]; an absent stream contributes zeros."""

    def __init__(
        self,
        input_sizes: Mapping[str, int],
        pooling: Literal[
            "mean", "sum", "max", "statistics", "last", "attentive_statistics"
        ] = "mean",
    ) -> None:
        super().__init__()
        self.names = tuple(input_sizes)
        self.pooling = pooling
        self.output_size = sum(input_sizes.values()) * (2 if pooling.endswith("statistics") else 1)
        self.attentions = nn.ModuleDict()
        if pooling == "attentive_statistics":
            for name, size in input_sizes.items():
                self.attentions[name] = AttentiveStatisticsPooling(size)

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, sum of pooled features)."""
        vectors, attention = [], {}
        for name in self.names:
            values, mask = streams[name].values, streams[name].mask
            if name in self.attentions:
                vector, attention[name] = self.attentions[name](values, mask)
            else:
                vector = _POOLINGS[self.pooling](values, mask)
            vectors.append(vector)
        return Fused(torch.cat(vectors, dim=-1), attention=attention if need_attention else {})

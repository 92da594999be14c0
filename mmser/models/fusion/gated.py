"""Gated multimodal unit: gates made of all modalities decide, per feature, how much each counts.

Source: Arevalo et al., ICLR-W 2017.

``h_m = tanh(W_m x_m)``, ``z_m`` from ``[x_1 ; ... ; x_M]``, ``h = sum_m z_m * h_m``.

Differs:
    The gates of the M modalities are a softmax over the modalities present (the paper gives
    sigmoids for M > 2 and z, 1 - z for M = 2; the softmax is the latter's generalisation), so an
    absent one is left out, not averaged in.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from mmser.core.batch import Context, Fused, Stream
from mmser.models.layers.masks.padding import masked_softmax
from mmser.models.layers.time.pooling import masked_mean


class Gated(nn.Module):
    """Masked mean per stream -> tanh projection to ``size`` -> gated sum of the present streams."""

    def __init__(
        self, input_sizes: Mapping[str, int], size: int = 128, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.names = tuple(input_sizes)
        self.output_size = size
        self.dropout = nn.Dropout(dropout)
        self.projections = nn.ModuleDict(
            {name: nn.Linear(width, size) for name, width in input_sizes.items()}
        )
        # One stream needs no gate: a softmax over one entry is 1 whatever its score.
        several = len(self.names) > 1
        self.gate = (
            nn.Linear(sum(input_sizes.values()), len(self.names) * size) if several else None
        )

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) each -> vector (batch, size).

        Attention: "gate" (batch, stream).
        """
        pooled = [
            self.dropout(masked_mean(streams[name].values, streams[name].mask))
            for name in self.names
        ]
        hidden = torch.stack(
            [self.projections[n](x).tanh() for n, x in zip(self.names, pooled, strict=True)], dim=1
        )
        present = torch.stack([streams[name].present for name in self.names], dim=1)[
            ..., None
        ]  # (batch, stream, 1)
        scores = torch.zeros_like(hidden)
        if self.gate is not None:
            scores = self.gate(torch.cat(pooled, dim=-1)).unflatten(-1, (len(self.names), -1))
        gates = masked_softmax(scores, present, dim=1)  # (batch, stream, feature)
        attention = {"gate": gates.mean(dim=-1)} if need_attention else {}
        return Fused((gates * hidden).sum(dim=1), attention=attention)

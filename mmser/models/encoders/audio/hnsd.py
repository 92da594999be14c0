"""HNSD: static and dynamic log-mel features are encoded apart and fused frame by frame by a gate.

Attention pools the fused frames.

Source: Cao, Hou, Chen, Zhang, Lu, "Hierarchical network based on the fusion of static and dynamic
features for speech emotion recognition", ICASSP 2021; the gated unit after Arevalo et al., "Gated
multimodal units", 2017.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import AttentionPooling
from mmser.models.layers.time.recurrent import Recurrent

Gate = Literal["scalar", "vector", "static_only", "concat"]


class HNSD(nn.Module):
    """LSTM(static) | LSTM(dynamic) -> gated sum -> additive attention over time.

    The sum is ``z tanh(W_s f_s) + (1 - z) tanh(W_d f_d)``. The first ``static_size`` columns are
    static (None: a third of them), the others their differences. ``gate`` scalar: z is one number
    per frame; vector: one per feature; static_only and concat are the ablations.
    """

    def __init__(
        self,
        input_size: int,
        static_size: int | None = None,
        hidden_size: int = 512,
        size: int = 512,
        attention_size: int = 16,
        gate: Gate = "scalar",
    ) -> None:
        super().__init__()
        if gate not in ("scalar", "vector", "static_only", "concat"):
            raise MmserError(
                "gate scalar, vector, static_only or concat", f"'{gate}'", "Choose one of them."
            )
        self.static_size = static_size or input_size // 3
        sizes = (
            [self.static_size]
            if gate == "static_only"
            else [self.static_size, input_size - self.static_size]
        )
        self.recurrences = nn.ModuleList(
            Recurrent(inner, hidden_size, "lstm", bidirectional=False) for inner in sizes
        )
        self.projections = nn.ModuleList(nn.Linear(hidden_size, size, bias=False) for _ in sizes)
        gates = {"scalar": 1, "vector": size}.get(gate)
        self.gate = nn.Linear(2 * hidden_size, gates, bias=False) if gates else None
        self.output_size = 2 * size if gate == "concat" else size
        self.attention = AttentionPooling(self.output_size, attention_size)

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, static and dynamic) -> (batch, 1, output_size)."""
        values, mask = stream.filled(), stream.mask
        inputs = [values[..., : self.static_size], values[..., self.static_size :]]
        states = [
            recurrence(features, mask).outputs
            for recurrence, features in zip(self.recurrences, inputs, strict=False)
        ]
        vector, _ = self.attention(zero_padding(self.fused(states)[0], mask), mask)
        return Stream(vector[:, None], stream.present[:, None])

    def fused(self, states: list[Tensor]) -> tuple[Tensor, Tensor | None]:
        """Static and dynamic states (batch, time, hidden) -> fused (batch, time, output_size).

        Also returns the gate, if there is one. The gate is the share of the static features,
        (batch, time, 1 or size).
        """
        projected = [
            torch.tanh(projection(state))
            for projection, state in zip(self.projections, states, strict=True)
        ]
        if self.gate is None:
            return torch.cat(projected, dim=-1), None
        share = torch.sigmoid(self.gate(torch.cat(states, dim=-1)))
        static, dynamic = projected
        return share * static + (1 - share) * dynamic, share

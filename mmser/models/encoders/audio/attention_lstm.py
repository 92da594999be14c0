"""Attention LSTM: a forget gate that looks at the cell alone, and attention over time and over
features.

Source: Xie, Liang, Liang, Huang, Zou, Schuller, "Speech emotion classification using
attention-based LSTM", IEEE/ACM TASLP 27 (11), 2019.

Differs:
    No peepholes by default (the paper's baseline has them): ``peephole="full"``. Time scores are
    divided by the square root of the feature size, and the feature-attended sum over frames is a
    mean times the feature size, so that it does not grow with the length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.layers.attention_gate_lstm import AttentionGateLSTM, Forget, Peephole
from mmser.models.layers.masks.padding import masked_softmax
from mmser.models.layers.time.pooling import last_step, masked_mean


class AttentionLSTM(nn.Module):
    """LSTM layers of ``sizes`` -> the last output (attend last), attention over time, feature, or
    both side by side.
    """

    def __init__(
        self,
        input_size: int,
        sizes: Sequence[int] = (512, 256),
        forget: Forget = "attention",
        peephole: Peephole = "none",
        attend: Literal["last", "time", "feature", "both"] = "both",
    ) -> None:
        super().__init__()
        for name, chosen, known in (
            ("forget", forget, ("gate", "attention")),
            ("peephole", peephole, ("none", "full")),
            ("attend", attend, ("last", "time", "feature", "both")),
        ):
            if chosen not in known:
                raise MmserError(
                    f"{name} to be one of {', '.join(known)}", f"'{chosen}'", "Choose one."
                )
        self.layers = nn.ModuleList(
            AttentionGateLSTM(inner, size, forget, peephole)
            for inner, size in zip((input_size, *sizes), sizes, strict=False)
        )
        size = sizes[-1]
        self.over_time = nn.Linear(size, size, bias=False) if attend in ("time", "both") else None
        inner, score = (nn.Linear(size, size, bias=False) for _ in range(2))
        self.over_features = (
            nn.Sequential(inner, nn.Tanh(), score) if attend in ("feature", "both") else None
        )
        self.output_size = size * 2 if attend == "both" else size

    def forward(self, stream: Stream) -> Stream:
        """(batch, time, feature) -> (batch, 1, output_size)."""
        values, mask = stream.filled(), stream.mask
        for layer in self.layers:
            values = layer(values, mask)
        return Stream(self.pooled(values, mask)[:, None], stream.present[:, None])

    def pooled(self, outputs: Tensor, mask: Tensor) -> Tensor:
        """outputs (batch, time, feature) of the top layer, zero in padding ->
        (batch, output_size).
        """
        last = last_step(outputs, mask)
        found = []
        if self.over_time is not None:
            found.append(
                torch.einsum("bt,btf->bf", self.time_weights(last, outputs, mask), outputs)
            )
        if self.over_features is not None:
            weights = self.over_features(outputs).softmax(dim=-1)
            found.append(masked_mean(weights * outputs, mask) * outputs.shape[2])
        return torch.cat(found, dim=1) if found else last

    def time_weights(self, last: Tensor, outputs: Tensor, mask: Tensor) -> Tensor:
        """last (batch, feature), outputs (batch, time, feature) -> (batch, time), 1 in sum over
        real steps.
        """
        query = self.over_time(last) / math.sqrt(outputs.shape[2])  # type: ignore[misc]
        return masked_softmax(torch.einsum("bf,btf->bt", query, outputs), mask)

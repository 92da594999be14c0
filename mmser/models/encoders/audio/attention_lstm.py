"""Attention LSTM: a forget gate that looks at the cell alone, and attention over its outputs.

The attention runs over time, over features, or over both.

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
from mmser.models.layers.masks.padding import masked_softmax
from mmser.models.layers.time.pooling import last_step, masked_mean
from mmser.models.layers.time.unrolled import State, unroll

Forget = Literal["gate", "attention"]
Peephole = Literal["none", "full"]


class AttentionLSTM(nn.Module):
    """LSTM layers of ``sizes`` -> one vector per utterance, pooled as ``attend`` says.

    last: the last output; time or feature: attention over it; both: the two side by side.
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
        for name, choice, choices in (
            ("forget", forget, ("gate", "attention")),
            ("peephole", peephole, ("none", "full")),
            ("attend", attend, ("last", "time", "feature", "both")),
        ):
            if choice not in choices:
                raise MmserError(
                    f"{name} to be one of {', '.join(choices)}", f"'{choice}'", "Choose one."
                )
        self.layers = nn.ModuleList(
            AttentionGateLSTM(inner, size, forget, peephole)
            for inner, size in zip((input_size, *sizes), sizes, strict=False)
        )
        size = sizes[-1]
        self.over_time = nn.Linear(size, size, bias=False) if attend in ("time", "both") else None
        # Made whether used or not, so that the random numbers after them stay the same.
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
        """outputs (batch, time, feature) of the top layer -> (batch, output_size).

        Outputs are zero in padding.
        """
        last = last_step(outputs, mask)
        vectors = []
        if self.over_time is not None:
            weights = self.time_weights(last, outputs, mask)
            vectors.append(torch.einsum("bt,btf->bf", weights, outputs))
        if self.over_features is not None:
            weights = self.over_features(outputs).softmax(dim=-1)
            vectors.append(masked_mean(weights * outputs, mask) * outputs.shape[2])
        return torch.cat(vectors, dim=1) if vectors else last

    def time_weights(self, last: Tensor, outputs: Tensor, mask: Tensor) -> Tensor:
        """last (batch, feature), outputs (batch, time, feature) -> weights (batch, time).

        They sum to 1 over the real steps.
        """
        query = self.over_time(last) / math.sqrt(outputs.shape[2])  # type: ignore[misc]
        return masked_softmax(torch.einsum("bf,btf->bt", query, outputs), mask)


class AttentionGateLSTM(nn.Module):
    """LSTM that may have an attention gate in place of the forget gate; one direction.

    ``forget`` gate: ``f = sigmoid(W_f [h, x] + b)``; attention: ``f = sigmoid(V tanh(W C))`` of the
    cell before the step alone. ``peephole`` full lets the input (and forget) gate see the cell
    before the step and the output gate the cell after it.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        forget: Forget = "attention",
        peephole: Peephole = "none",
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        # Input, [forget,] candidate, output: the order of torch's LSTM.
        gates = 4 if forget == "gate" else 3
        self.inner = nn.Linear(input_size, gates * hidden_size)
        self.recurrent = nn.Linear(hidden_size, gates * hidden_size, bias=False)

        def square(times: int = 1) -> nn.Linear:
            return nn.Linear(hidden_size, times * hidden_size, bias=False)

        attends, peeps = forget == "attention", peephole == "full"
        self.attended: nn.Linear | None = square() if attends else None
        self.scored: nn.Linear | None = square() if attends else None
        self.before: nn.Linear | None = square(gates - 2) if peeps else None
        self.after: nn.Linear | None = square() if peeps else None
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, time, feature), mask (batch, time) -> (batch, time, hidden).

        Padding comes out zero.
        """
        return unroll(
            self._step,
            self.inner(values.masked_fill(~mask[..., None], 0.0)),
            mask,
            (self.hidden_size,) * 2,
        )

    def attention_gate(self, cell: Tensor) -> Tensor:
        """cell (batch, hidden) -> f (batch, hidden); one half for an empty cell."""
        return torch.sigmoid(self.scored(torch.tanh(self.attended(cell))))  # type: ignore[misc]

    def _step(self, projected: Tensor, states: State) -> State:
        hidden, cell = states
        gates = list(
            (projected + self.recurrent(hidden)).chunk(4 if self.attended is None else 3, dim=1)
        )
        peeping = (
            [] if self.before is None else list(self.before(cell).chunk(len(gates) - 2, dim=1))
        )
        candidate, output = gates.pop(-2), gates.pop(-1)
        gates = (
            [gate + peep for gate, peep in zip(gates, peeping, strict=True)] if peeping else gates
        )
        forget = torch.sigmoid(gates[1]) if self.attended is None else self.attention_gate(cell)
        cell = forget * cell + torch.sigmoid(gates[0]) * torch.tanh(candidate)
        output = output if self.after is None else output + self.after(cell)
        return torch.sigmoid(output) * torch.tanh(cell), cell

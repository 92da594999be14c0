"""LSTM with peepholes and with an attention gate in place of the forget gate (Xie et al., TASLP
2019).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.models.layers.time.unrolled import State, unroll

Forget = Literal["gate", "attention"]
Peephole = Literal["none", "full"]


class AttentionGateLSTM(nn.Module):
    """One direction, one bias per gate.

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
        gates = (
            4 if forget == "gate" else 3
        )  # input, [forget,] candidate, output: the order of torch's LSTM
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
        """values (batch, time, feature), mask (batch, time) -> (batch, time, hidden), zero in
        padding.
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

"""Recurrence over masked sequences without packing: exact, independent of padding, and fast on CPU.

The forward direction runs over the padded batch; the backward direction over each sequence reversed
inside its own length, so neither ever passes through padding before a real step. Gaps in a mask are
closed first: a row's result is that of its real steps alone. Packed sequences give the same numbers
several times slower on CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.models.layers.masks.order import compact_order, reversal, rows_at
from mmser.models.layers.masks.padding import length_mask, zero_padding

Cell = Literal["gru", "lstm", "rnn"]
Merge = Literal["concat", "mean", "sum"]
_CELLS: dict[str, Callable[..., nn.Module]] = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}


class Recurred(NamedTuple):
    """``outputs`` (batch, time, feature) of every step, and the ``final`` state (batch, feature).

    Outputs are zero in padding; the final state is that after the last step. In ``final`` the
    backward direction contributes its state after the first step; an empty row is zero.
    """

    outputs: Tensor
    final: Tensor


class Recurrent(nn.Module):
    """GRU, LSTM or plain RNN, one or two directions, several layers, over (values, mask).

    ``merge`` joins the two directions of the last layer (between layers they are always
    concatenated); ``dropout`` acts between layers. ``output_size`` is the resulting feature
    dimension. Parameters are those of torch's own cells.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        cell: Cell = "gru",
        bidirectional: bool = True,
        layers: int = 1,
        dropout: float = 0.0,
        merge: Merge = "concat",
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        sizes = [input_size] + [hidden_size * directions] * (layers - 1)
        make = _CELLS[cell]
        self.forwards = nn.ModuleList(make(size, hidden_size, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(
            make(size, hidden_size, batch_first=True) for size in (sizes if bidirectional else [])
        )
        self.dropout = dropout
        self.merge = merge
        self.output_size = hidden_size * directions if merge == "concat" else hidden_size

    def forward(self, values: Tensor, mask: Tensor) -> Recurred:
        """values (batch, time, feature), mask (batch, time) -> outputs and final state.

        They are (batch, time, output) and (batch, output).
        """
        order, inverse = compact_order(mask)
        lengths = mask.sum(dim=1)
        directions = [rows_at(zero_padding(values, mask), order)]
        for layer in range(len(self.forwards)):
            current = torch.cat(directions, dim=-1)
            if layer:
                current = F.dropout(current, self.dropout, self.training)
            directions = self._directions(layer, current, lengths)
        last = (lengths - 1).clamp(min=0)[:, None]
        # Backwards, the state that has seen all steps is that of the first one.
        backward = [states[:, 0] for states in directions[1:]]
        finals = [rows_at(directions[0], last).squeeze(1), *backward]
        return Recurred(rows_at(self._joined(directions), inverse), self._joined(finals))

    def _directions(self, layer: int, values: Tensor, lengths: Tensor) -> list[Tensor]:
        """One layer over gapless values (batch, time, feature): the states of each direction.

        They are zero past a row's length.
        """
        real = length_mask(lengths, values.shape[1])
        directions = [zero_padding(self.forwards[layer](values)[0], real)]
        if self.backwards:
            turned = reversal(lengths, values.shape[1])
            behind = self.backwards[layer](rows_at(values, turned))[0]
            directions.append(zero_padding(rows_at(behind, turned), real))
        return directions

    def _joined(self, directions: list[Tensor]) -> Tensor:
        if self.merge == "concat" or len(directions) == 1:
            return torch.cat(directions, dim=-1)
        total = torch.stack(directions).sum(dim=0)
        return total / len(directions) if self.merge == "mean" else total


def orthogonal(module: nn.Module, gate_bias: float | None = None) -> None:
    """Set every recurrent weight matrix of ``module`` orthogonal per gate, and its biases to zero.

    ``gate_bias`` is where the biases of a GRU's reset and update gates start instead; raises
    MmserError for another cell.
    """
    for cell in module.modules():
        if not isinstance(cell, nn.RNNBase):
            continue
        for name, parameter in cell.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
            else:
                with torch.no_grad():
                    for gate in parameter.split(cell.hidden_size):
                        nn.init.orthogonal_(gate)
        if gate_bias:
            _start_gates(cell, gate_bias)


def _start_gates(cell: nn.RNNBase, bias: float) -> None:
    if not isinstance(cell, nn.GRU):
        raise MmserError("a GRU for gate_bias", type(cell).__name__, "Leave gate_bias out.")
    for name, parameter in cell.named_parameters():
        if name.startswith("bias_ih"):
            nn.init.constant_(parameter.data[: 2 * cell.hidden_size], bias)

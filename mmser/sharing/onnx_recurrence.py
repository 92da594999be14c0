"""torch's recurrent layers as ONNX operators.

The exporter would unroll them into as many steps as its example has.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

GATES = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2), "RNN": (0,)}
"""Where ONNX finds its gates among torch's: update, reset, hidden; input, output, forget, cell."""

State = Tensor | tuple[Tensor, Tensor]


class OnnxRecurrence(nn.Module):
    """An ``nn.GRU``, ``nn.LSTM`` or ``nn.RNN`` in evaluation mode, with its arguments and results.

    It runs in an export alone. ONNX has no ``proj_size``: `open_recurrences` leaves a cell with it
    as it is.
    """

    def __init__(self, cell: nn.RNNBase) -> None:
        super().__init__()
        self.kind = "RNN" if cell.mode.startswith("RNN") else cell.mode
        self.cell = cell
        self.directions = 2 if cell.bidirectional else 1
        for layer in range(cell.num_layers):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                if name.startswith("weight") or cell.bias:
                    ends = ("", "_reverse")[: self.directions]
                    # torch names the parameters of layers and directions by number and ending.
                    parameters = [getattr(cell, f"{name}_l{layer}{end}") for end in ends]
                    # (direction, gate * hidden[, feature])
                    stacked = torch.stack([self._ordered(values) for values in parameters])
                    self.register_buffer(f"{name}_{layer}", stacked)

    def forward(self, values: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """values (batch, time, feature) -> states of every step, last states.

        Time comes first where the cell has it so.
        """
        # Hidden and cell state, (layer * direction, batch, hidden) each; None starts at zero.
        hidden, cell = state if isinstance(state, tuple) else (state, None)
        current = values.transpose(0, 1) if self.cell.batch_first else values
        finals: list[list[Tensor]] = []
        for layer in range(self.cell.num_layers):
            span = slice(layer * self.directions, (layer + 1) * self.directions)
            start = [None if each is None else each[span] for each in (hidden, cell)]
            current, final = self._layer(layer, current, start)
            finals.append(final)
        joined = [torch.cat(layers) for layers in zip(*finals, strict=True)]
        outputs = current.transpose(0, 1) if self.cell.batch_first else current
        last_states = (joined[0], joined[1]) if self.kind == "LSTM" else joined[0]
        return outputs, last_states

    def _layer(
        self, layer: int, values: Tensor, start: list[Tensor | None]
    ) -> tuple[Tensor, list[Tensor]]:
        """(time, batch, feature) -> (time, batch, direction * hidden), and the last states.

        Each last state is (direction, batch, hidden).
        """
        time, batch, _ = values.shape
        hidden, directions = self.cell.hidden_size, self.directions
        states = 2 if self.kind == "LSTM" else 1
        bias = None
        if self.cell.bias:
            bias = torch.cat([self._buffer("bias_ih", layer), self._buffer("bias_hh", layer)], 1)
        weights = [self._buffer("weight_ih", layer), self._buffer("weight_hh", layer)]
        # The operator's order; None: no lengths of the rows.
        inputs = [values, *weights, bias, None, *start[:states]]
        attributes: dict[str, int | str | list[str]] = {"hidden_size": hidden}
        attributes["direction"] = "bidirectional" if directions == 2 else "forward"
        if self.kind == "GRU":
            # As torch computes it.
            attributes["linear_before_reset"] = 1
        if self.kind == "RNN":
            activation = self.cell.mode.removeprefix("RNN_").capitalize()
            attributes["activations"] = [activation] * directions
        finals = [[directions, batch, hidden]] * states
        outputs, *final = torch.onnx.ops.symbolic_multi_out(
            self.kind,
            inputs,
            attributes,  # type: ignore[arg-type]
            dtypes=[values.dtype] * (1 + len(finals)),
            shapes=[[time, directions, batch, hidden], *finals],
        )
        # (time, direction, batch, hidden) -> (time, batch, direction * hidden)
        return outputs.transpose(1, 2).flatten(2), final

    def _buffer(self, name: str, layer: int) -> Tensor:
        """A stacked parameter of a layer."""
        return self.get_buffer(f"{name}_{layer}")

    def _ordered(self, weights: Tensor) -> Tensor:
        parts = weights.detach().chunk(len(GATES[self.kind]))
        return torch.cat([parts[place] for place in GATES[self.kind]])


def open_recurrences(module: nn.Module) -> None:
    """Exchange every recurrent layer inside ``module`` for its ONNX operator, in place."""
    for name, child in module.named_children():
        if isinstance(child, nn.RNNBase) and not child.proj_size:
            setattr(module, name, OnnxRecurrence(child))
        else:
            open_recurrences(child)

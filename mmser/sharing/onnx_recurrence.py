"""torch's recurrent layers as ONNX operators: the exporter would unroll them into as many steps as
its example has.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

GATES = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2), "RNN": (0,)}
"""Where ONNX finds its gates among torch's: update, reset, hidden; input, output, forget, cell."""

State = Tensor | tuple[Tensor, Tensor]


class OnnxRecurrence(nn.Module):
    """An ``nn.GRU``, ``nn.LSTM`` or ``nn.RNN`` in evaluation mode, with its arguments and results.

    It runs in an export alone. ``proj_size`` is not known to ONNX: such a cell is left as it is by
    `open_recurrences`.
    """

    def __init__(self, cell: nn.RNNBase) -> None:
        super().__init__()
        self.kind = "RNN" if cell.mode.startswith("RNN") else cell.mode
        self.cell = cell
        self.directions = 2 if cell.bidirectional else 1
        for layer in range(cell.num_layers):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                if name.startswith("weight") or cell.bias:
                    parts = [
                        getattr(cell, f"{name}_l{layer}{end}")
                        for end in ("", "_reverse")[: self.directions]
                    ]
                    self.register_buffer(
                        f"{name}_{layer}", torch.stack([self._ordered(part) for part in parts])
                    )

    def forward(self, values: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """values (batch, time, feature), or time first as the cell has it -> states of every step,
        last states.
        """
        states = (
            (None, None) if state is None else state if isinstance(state, tuple) else (state, None)
        )
        current = values.transpose(0, 1) if self.cell.batch_first else values
        last: list[list[Tensor]] = []
        for layer in range(self.cell.num_layers):
            span = slice(layer * self.directions, (layer + 1) * self.directions)
            current, final = self._layer(
                layer, current, [None if s is None else s[span] for s in states]
            )
            last.append(final)
        joined = [torch.cat(parts) for parts in zip(*last, strict=True)]
        outputs = current.transpose(0, 1) if self.cell.batch_first else current
        return outputs, (joined[0], joined[1]) if self.kind == "LSTM" else joined[0]

    def _layer(
        self, layer: int, values: Tensor, start: list[Tensor | None]
    ) -> tuple[Tensor, list[Tensor]]:
        """(time, batch, feature) -> (time, batch, direction * hidden), last states (direction,
        batch, hidden).
        """
        time, batch, _ = values.shape
        hidden, directions = self.cell.hidden_size, self.directions
        biases = (
            [getattr(self, f"bias_{kind}_{layer}") for kind in ("ih", "hh")]
            if self.cell.bias
            else []
        )
        inputs = [values, getattr(self, f"weight_ih_{layer}"), getattr(self, f"weight_hh_{layer}")]
        inputs += [
            torch.cat(biases, dim=1) if biases else None,
            None,
            *start[: 2 if self.kind == "LSTM" else 1],
        ]
        attributes: dict[str, int | str | list[str]] = {"hidden_size": hidden}
        attributes["direction"] = "bidirectional" if directions == 2 else "forward"
        if self.kind == "GRU":
            attributes["linear_before_reset"] = 1
        if self.kind == "RNN":
            attributes["activations"] = [
                self.cell.mode.removeprefix("RNN_").capitalize()
            ] * directions
        finals = [[directions, batch, hidden]] * (2 if self.kind == "LSTM" else 1)
        outputs, *final = torch.onnx.ops.symbolic_multi_out(
            self.kind,
            inputs,
            attributes,  # type: ignore[arg-type]
            dtypes=[values.dtype] * (1 + len(finals)),
            shapes=[[time, directions, batch, hidden], *finals],
        )
        return outputs.transpose(1, 2).flatten(2), final

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

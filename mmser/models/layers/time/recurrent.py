"""Recurrence over masked sequences without packing: exact, independent of padding, and fast on CPU.

The forward direction runs over the padded batch; the backward direction over each sequence reversed
inside its own length, so neither ever passes through padding before a real step. Gaps in a mask are
closed first: a row's result is that of its real steps alone. Packed sequences give the same numbers
several times slower on CPU.

On a GPU torch takes cuDNN's persistent kernels, one for all steps, up to 192 units of a GRU or LSTM
forwards and 128 backwards; larger ones go step by step, whatever multiple they are padded to.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.models.layers.masks.derived import once
from mmser.models.layers.masks.order import Ways, first_real, last_real, rows_at, taken, ways
from mmser.models.layers.masks.padding import absent, zero_padding
from mmser.models.replay.side_by_side import side_by_side

Cell = Literal["gru", "lstm", "rnn"]
Merge = Literal["concat", "mean", "sum"]
_CELLS: dict[str, Callable[..., nn.Module]] = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}


class Recurred:
    """``outputs`` (batch, time, feature) of every step, and the ``final`` state (batch, feature).

    Outputs are zero in padding; the final state is that after the last step, worked out when it is
    asked for. In it the backward direction contributes its state after the first step; an empty row
    is zero.
    """

    def __init__(self, outputs: Tensor, final: Callable[[], Tensor]) -> None:
        self.outputs = outputs
        self._final = final

    @property
    def final(self) -> Tensor:
        return self._final()


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
        both = once(ways, mask, len(self.backwards) > 0)
        states = self._layer(0, zero_padding(values, mask), both)
        for layer in range(1, len(self.forwards)):
            current = F.dropout(zero_padding(states.flatten(2), mask), self.dropout, self.training)
            states = self._layer(layer, current, both)
        outputs = zero_padding(self._joined(states), mask)
        return Recurred(outputs, partial(self._final, states, mask))

    def _layer(self, layer: int, values: Tensor, both: Ways) -> Tensor:
        """One layer over values (batch, time, feature), finite -> states of both directions.

        They are (batch, time, direction, hidden), undefined in padding.
        """
        cells = [part[layer] for part in (self.forwards, self.backwards) if len(part)]
        batch, time = values.shape[:2]
        read = taken(values.flatten(0, 1), both.sources, both.places.flatten(0, 1))
        ahead_and_back = read.unflatten(0, (len(cells), time, batch)).transpose(1, 2).unbind()
        # The kernels want time first in memory, and so they give it.
        start = self._start(ahead_and_back[0])
        works = [partial(cell, way, start) for cell, way in zip(cells, ahead_and_back, strict=True)]
        states = [found[0].transpose(0, 1) for found in side_by_side(works)]
        # (direction * time * batch, hidden)
        rows = (torch.stack(states) if len(states) > 1 else states[0]).flatten(0, -2)
        return self._at_places(rows, both).unflatten(0, both.places.shape)

    def _start(self, values: Tensor) -> Tensor | tuple[Tensor, Tensor] | None:
        """The state before the first step: zeros, the same for every cell of a pass."""
        if torch.compiler.is_exporting():
            return None
        cell = self.forwards[0]
        shape = 1, len(values), int(cell.hidden_size)  # type: ignore[arg-type]
        zeros = once(_zeros, shape, values.dtype, values.device)
        return (zeros, zeros) if isinstance(cell, nn.LSTM) else zeros

    @staticmethod
    def _at_places(rows: Tensor, both: Ways) -> Tensor:
        """Each real step's states: rows (direction * time * batch, hidden) -> by row and step."""
        where = once(_asked_at, both.sources, both.places.shape[2])
        return taken(rows, both.places.flatten(), where)

    def _final(self, states: Tensor, mask: Tensor) -> Tensor:
        """The states (batch, feature) of each row's last and first real step."""
        ends = [once(last_real, mask), once(first_real, mask)][: states.shape[2]]
        chosen = [rows_at(states[:, :, way], end).squeeze(1) for way, end in enumerate(ends)]
        return self._joined(torch.stack(chosen, dim=1)).masked_fill(absent(mask)[:, None], 0.0)

    def _joined(self, states: Tensor) -> Tensor:
        """(*any, direction, hidden) -> (*any, output)."""
        if self.merge == "concat" or states.shape[-2] == 1:
            return states.flatten(-2)
        total = states.sum(dim=-2)
        return total / states.shape[-2] if self.merge == "mean" else total


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.zeros(shape, dtype=dtype, device=device)


def _asked_at(sources: Tensor, directions: int) -> Tensor:
    """Where in (batch, time, direction), flattened, each step that is read is given back.

    sources (direction * time * batch,) -> (direction * time * batch, 1).
    """
    way = torch.arange(directions, device=sources.device)[:, None]
    return (sources.unflatten(0, (directions, -1)) * directions + way).flatten()[:, None]


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

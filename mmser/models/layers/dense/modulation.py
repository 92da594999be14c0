"""A code (who listens, who speaks) that steers a layer: scale and shift of its pre-activations.

``y = (1 + U e + u) * x + (V e + w)`` with U, V, u, w zero at the start, so that a fresh layer
changes nothing (feature-wise linear modulation).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mmser.models.layers.time.recurrent import Recurrent


class Modulation(nn.Module):
    """code (row, code feature) -> scale and shift (row, size) each."""

    def __init__(self, code_size: int, size: int) -> None:
        super().__init__()
        self.scale = nn.Linear(code_size, size)
        self.shift = nn.Linear(code_size, size)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """code (row, code feature) -> scale (row, size), shift (row, size)."""
        return 1.0 + self.scale(code), self.shift(code)

    def applied(self, values: Tensor, code: Tensor) -> Tensor:
        """values (row, size, *any) scaled and shifted along axis 1 by code (row, code feature)."""
        shape = (*values.shape[:2], *(1,) * (values.dim() - 2))
        scale, shift = self(code)
        return scale.reshape(shape) * values + shift.reshape(shape)


class ModulatedLSTM(nn.Module):
    """Scales and shifts every gate's pre-activation of a one-layer LSTM.

    Both are constant over time; there is one code per row. ``scale * (W x + R h + b) + shift`` is
    an LSTM with weights ``scale W``, ``scale R``, ``scale b + shift``: rows of one code run
    together through torch's own kernel with their weights.
    """

    def __init__(self, code_size: int, recurrence: Recurrent) -> None:
        super().__init__()
        # By name in `recurrence`, which stays owned by whom it belongs to: it is passed to
        # `forward`.
        cells = {"forwards.0": recurrence.forwards, "backwards.0": recurrence.backwards}
        self.cells = tuple(name for name, present in cells.items() if len(present))
        gates = [4 * int(cells[name][0].hidden_size) for name in self.cells]  # type: ignore[arg-type]
        self.gates = nn.ModuleList(Modulation(code_size, size) for size in gates)

    def forward(
        self, recurrence: Recurrent, values: Tensor, mask: Tensor, codes: Tensor, group: Tensor
    ) -> Tensor:
        """values (row, time, feature), mask (row, time) -> outputs (row, time, output).

        codes (group, code feature), group (row,) long: the code of each row.
        Padding comes out zero.
        """
        rows, outputs = [], []
        for number in group.unique().tolist():
            members = torch.nonzero(group == number).flatten()
            weights = self._weights(recurrence, codes[number : number + 1])
            outputs.append(
                functional_call(recurrence, weights, (values[members], mask[members])).outputs
            )
            rows.append(members)
        return torch.cat(outputs)[torch.argsort(torch.cat(rows))]

    def _weights(self, recurrence: Recurrent, code: Tensor) -> dict[str, Tensor]:
        weights = {}
        named = dict(recurrence.named_parameters())
        for cell, gates in zip(self.cells, self.gates, strict=True):
            scale, shift = (factor[0] for factor in gates(code))
            for matrix in ("weight_ih_l0", "weight_hh_l0"):
                weights[f"{cell}.{matrix}"] = scale[:, None] * named[f"{cell}.{matrix}"]
            weights[f"{cell}.bias_ih_l0"] = scale * named[f"{cell}.bias_ih_l0"] + shift
            weights[f"{cell}.bias_hh_l0"] = scale * named[f"{cell}.bias_hh_l0"]
        return weights

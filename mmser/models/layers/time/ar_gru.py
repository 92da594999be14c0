"""AReLU and the GRU whose candidate state it activates.

Sources: Chen, Li, Xu 2020 (AReLU); Rajamani et al., ICASSP 2021 (the GRU).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmser.models.layers.time.unrolled import State, unroll


class AReLU(nn.Module):
    """``(1 + sigmoid(beta)) x`` for x >= 0, ``clamp(alpha, 0.01, 0.99) x`` below.

    Both numbers are learnt.
    """

    def __init__(self, alpha: float = 0.01, beta: float = 1.0) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(alpha))
        self.beta = nn.Parameter(torch.tensor(beta))

    def forward(self, values: Tensor) -> Tensor:
        """Any shape."""
        rising = 1.0 + torch.sigmoid(self.beta)
        return torch.where(values >= 0, rising * values, self.alpha.clamp(0.01, 0.99) * values)


class ARGRU(nn.Module):
    """GRU with ``activation`` in place of the candidate's tanh, in one or two directions.

    Each direction has an activation of its own. Gates stay sigmoid; two bias vectors as in torch's
    GRU. The state is not bounded: clip gradients. ``activation`` makes one module per direction
    (default: AReLU from alpha 0.01, beta 1, the best start reported).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bidirectional: bool = False,
        activation: Callable[[], nn.Module] = AReLU,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        self.hidden_size = hidden_size
        self.inner = nn.ModuleList(
            nn.Linear(input_size, 3 * hidden_size) for _ in range(directions)
        )
        self.recurrent = nn.ModuleList(
            nn.Linear(hidden_size, 3 * hidden_size) for _ in range(directions)
        )
        self.output_size = hidden_size * directions
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))
        self.activations = nn.ModuleList(activation() for _ in range(directions))

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, time, feature), mask (batch, time) -> (batch, time, output_size).

        Padding comes out zero.
        """
        values = values.masked_fill(~mask[..., None], 0.0)
        outputs = []
        # The step binds its modules as defaults: a closure would see those of the last direction.
        for direction, (inner, recurrent, activation) in enumerate(
            zip(self.inner, self.recurrent, self.activations, strict=True)
        ):

            def step(
                projected: Tensor,
                states: State,
                recurrent: nn.Module = recurrent,
                activation: nn.Module = activation,
            ) -> State:
                return (gru_step(projected, recurrent(states[0]), states[0], activation),)

            outputs.append(
                unroll(step, inner(values), mask, (self.hidden_size,), backwards=direction == 1)
            )
        return torch.cat(outputs, dim=-1)


def gru_step(
    projected: Tensor, recurrent: Tensor, hidden: Tensor, activation: Callable[[Tensor], Tensor]
) -> Tensor:
    """One step of a GRU: the new state (batch, hidden).

    projected and recurrent (batch, 3 hidden) in torch's order reset, update, candidate.
    """
    reset_x, update_x, new_x = projected.chunk(3, dim=1)
    reset_h, update_h, new_h = recurrent.chunk(3, dim=1)
    update = torch.sigmoid(update_x + update_h)
    candidate = activation(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
    return (1 - update) * candidate + update * hidden

"""Recurrent cells that torch has no fused kernel for.

Each state depends on the one before through a non-linearity of its own, so the steps have to be
taken one by one; all that does not depend on the state is computed for every step at once
beforehand.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmser.models.layers.masks.order import compact_order, reversal, rows_at
from mmser.models.layers.masks.padding import length_mask, zero_padding

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State], State]


def unroll(
    step: Step, inputs: Tensor, mask: Tensor, sizes: tuple[int, ...], backwards: bool = False
) -> Tensor:
    """The first state after every step, zero in padding.

    inputs (batch, time, feature) -> (batch, time, sizes[0]). ``step`` maps (one step's inputs,
    states) to new states; they start at zero and stand still in padding, where an unbounded cell
    could otherwise run away. Gaps are closed; ``backwards`` goes from a row's last real step to its
    first.
    """
    order, inverse = compact_order(mask)
    lengths = mask.sum(dim=1)
    real = length_mask(lengths, mask.shape[1])
    turned = reversal(lengths, mask.shape[1]) if backwards else None
    values = rows_at(zero_padding(inputs, mask), order)
    values = values if turned is None else rows_at(values, turned)
    states: State = tuple(values.new_zeros(len(values), size) for size in sizes)
    hidden = []
    for current, is_real in zip(values.unbind(dim=1), real.unbind(dim=1), strict=True):
        after = step(current, states)
        # In padding the states stand still.
        states = tuple(
            torch.where(is_real[:, None], new, old) for new, old in zip(after, states, strict=True)
        )
        hidden.append(states[0])
    outputs = torch.stack(hidden, dim=1)
    outputs = outputs if turned is None else rows_at(outputs, turned)
    return rows_at(zero_padding(outputs, real), inverse)

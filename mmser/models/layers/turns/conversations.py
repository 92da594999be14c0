"""Rows of a batch regrouped into conversations: (row, ...) <-> (dialogue, turn, ...)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mmser.core.batch import Context


class Conversations(NamedTuple):
    """Where the rows of a batch stand in their conversations.

    ``rows`` (dialogue, turn) long: the row that stands there; ``mask``: there is one; ``places``
    (row,): the row's place in the flattened table. Turns are in order and without gaps; rows of the
    same turn keep their order in the batch.
    """

    rows: Tensor
    mask: Tensor
    places: Tensor

    def group(self, values: Tensor) -> Tensor:
        """(row, *any) -> (dialogue, turn, *any); what stands outside the mask is undefined."""
        return values.index_select(0, self.rows.flatten()).unflatten(0, self.rows.shape)

    def ungroup(self, values: Tensor) -> Tensor:
        """(dialogue, turn, *any) -> (row, *any)."""
        return values.flatten(0, 1).index_select(0, self.places)


def conversations(context: Context) -> Conversations:
    """The conversations that the rows of a batch make, in the order of their numbers."""
    # By dialogue, then by turn; equal turns stay in the batch's order.
    order = context.turn.argsort(stable=True)
    order = order[context.dialogue[order].argsort(stable=True)]
    dialogue = context.dialogue[order]
    steps = torch.arange(len(order), device=order.device)
    fresh = torch.ones_like(dialogue, dtype=torch.bool)
    fresh[1:] = dialogue[1:] != dialogue[:-1]
    number = fresh.cumsum(dim=0) - 1
    # The turn within the dialogue: how far a row lies behind the dialogue's first.
    turn = steps - steps[fresh][number]
    shape = int(number[-1]) + 1, int(turn.max()) + 1
    flat = number * shape[1] + turn
    rows = order.new_zeros(shape[0] * shape[1])
    rows[flat] = order
    mask = torch.zeros_like(rows, dtype=torch.bool)
    mask[flat] = True
    places = torch.empty_like(order)
    places[order] = flat
    return Conversations(rows.view(shape), mask.view(shape), places)

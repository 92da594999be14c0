"""Rows to conversations and back; rows encoded in chunks."""

from __future__ import annotations

import torch

from mmser.core.batch import Context
from mmser.models.layers.turns.conversations import conversations
from mmser.models.layers.turns.row_chunks import in_chunks


def test_rows_stand_in_the_order_of_turns() -> None:
    dialogue, turn = torch.tensor([7, 2, 7, 2, 7]), torch.tensor([4, 1, 0, 0, 2])
    made = conversations(Context(dialogue, turn, torch.zeros(5, dtype=torch.long)))
    names = torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0]])
    assert made.mask.tolist() == [[True, True, False], [True, True, True]]
    assert made.group(names)[made.mask].flatten().tolist() == [3, 1, 2, 4, 0]
    assert torch.equal(made.ungroup(made.group(names)), names)


def test_chunks_are_the_whole() -> None:
    lengths = torch.tensor([5, 2, 9, 1, 0, 7])
    mask = torch.arange(9) < lengths[:, None]
    values, seen = torch.randn(6, 9, 3) * mask[..., None], []

    def encode(part: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(real.shape))
        return (part * real[..., None]).sum(dim=1)

    torch.testing.assert_close(in_chunks(encode, values, mask, 4), values.sum(dim=1))
    assert seen == [(4, 5), (2, 9)]

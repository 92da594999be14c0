"""Which row of a batch is the turn before a row."""

from __future__ import annotations

import torch

from mmser.core.batch import Context
from mmser.models.layers.turns.previous_turn import previous_turn, vectors_of


def test_the_nearest_turn_of_either_speaker() -> None:
    context = Context(
        dialogue=torch.tensor([0, 0, 0, 0, 1, 0]),
        turn=torch.tensor([0, 1, 2, 4, 0, 3]),
        speaker=torch.tensor([7, 8, 7, 7, 7, 8]),
    )
    assert previous_turn(context, same_speaker=True).tolist() == [-1, -1, 0, 2, -1, 1]
    assert previous_turn(context, same_speaker=False).tolist() == [-1, 0, 1, 5, -1, 2]


def test_absent_and_distant_turns_are_not_seen() -> None:
    context = Context(
        dialogue=torch.tensor([7, 7, 7, 7, 8, 7]),
        turn=torch.tensor([3, 0, 1, 2, 2, 12]),
        speaker=torch.tensor([0, 0, 1, 1, 1, 0]),
    )
    present = torch.tensor([True, True, True, False, True, True])
    own = previous_turn(context, True, present, reach=8)
    assert own.tolist() == [1, -1, -1, 2, -1, -1]
    # Row 3 is nearer to row 0, but absent; turn 3 lies nine turns before turn 12.
    other = previous_turn(context, False, present, reach=8)
    assert other.tolist() == [2, -1, 1, 1, -1, -1]


def test_a_missing_turn_gives_zeros() -> None:
    vectors = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    taken = vectors_of(torch.tensor([-1, 0]), vectors)
    assert taken.tolist() == [[0, 0], [1, 2]]

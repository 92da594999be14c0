"""A turn's segments are averaged first, then the turns."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.turn import TurnCrossEntropy

TASK = Task(tuple("abcdefg"))


def answered(logits: Stream) -> Outputs:
    """Outputs with these logits (batch, segment, class)."""
    steps = Outputs(logits.filled(), logits.filled())
    return Outputs(logits.filled().mean(1), sequence=logits, steps=steps)


def test_a_turn_counts_once_however_many_segments_it_has() -> None:
    mask = torch.arange(9) < torch.tensor([1, 9])[:, None]
    sequence = Stream(torch.randn(2, 9, 7).masked_fill(~mask[..., None], float("nan")), mask)
    batch = Batch(("a", "b"), {}, empty_context(2), {"emotion": torch.tensor([3, 5])})
    found = TurnCrossEntropy(TASK, 7)(answered(sequence), batch)["turn"]
    apart = [
        F.cross_entropy(sequence.values[row][mask[row]], torch.full((n,), k))
        for row, n, k in ((0, 1, 3), (1, 9, 5))
    ]
    torch.testing.assert_close(found, (apart[0] + apart[1]) / 2)
    labels = Stream(
        torch.full((2, 9), 2).masked_fill(~mask, 99), mask & torch.tensor([[False], [True]])
    )
    own = TurnCrossEntropy(TASK, 7, labels="gold")
    losses = own(
        answered(sequence), Batch(("a", "b"), {}, empty_context(2), traces={"gold": labels})
    )
    torch.testing.assert_close(
        losses["turn"], F.cross_entropy(sequence.values[1], torch.full((9,), 2))
    )


def test_a_model_without_answers_at_every_step_is_refused() -> None:
    batch = Batch(("a",), {}, empty_context(1), {"emotion": torch.tensor([0])})
    with pytest.raises(MmserError, match="a model with a step per segment; found none"):
        TurnCrossEntropy(TASK, 7)(Outputs(torch.zeros(1, 2)), batch)

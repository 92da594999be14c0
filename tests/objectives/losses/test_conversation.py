"""Cross-entropy averaged inside conversations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from mmser.core.batch import UNLABELLED, Batch, Context, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.conversation import ConversationCrossEntropy

TASK = Task(classes=("angry", "sad"))


def batch(dialogue: torch.Tensor, target: torch.Tensor) -> Batch:
    rows = torch.zeros_like(dialogue)
    context = Context(dialogue, rows, rows)
    return Batch(tuple(map(str, range(len(rows)))), {}, context, {"emotion": target})


def test_unlabelled_rows_do_not_count(given: Callable[..., Outputs]) -> None:
    logits = torch.tensor([[3.0, 0.0], [0.0, 1.0], [9.0, 0.0], [2.0, 0.0]], requires_grad=True)
    spoken = batch(torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, UNLABELLED, 1]))
    (loss,) = ConversationCrossEntropy(TASK, 1)(given(logits=logits), spoken).values()
    each = nn.functional.cross_entropy(logits[[0, 1, 3]], torch.tensor([0, 0, 1]), reduction="none")
    torch.testing.assert_close(loss, ((each[0] + each[1]) / 2 + each[2]) / 2)
    nothing = batch(torch.zeros(4, dtype=torch.long), torch.full((4,), UNLABELLED))
    (loss,) = ConversationCrossEntropy(TASK, 1)(given(logits=logits), nothing).values()
    loss.backward()
    assert loss == 0 and torch.isfinite(logits.grad).all()


def test_classes_are_needed() -> None:
    with pytest.raises(MmserError, match="a protocol with classes; found none"):
        ConversationCrossEntropy(Task(values=("valence",)), 1)

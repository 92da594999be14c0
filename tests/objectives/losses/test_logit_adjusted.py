"""Equation 10 by hand, and what it is for: the balanced optimum of an unbalanced problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.logit_adjusted import LogitAdjusted


@pytest.mark.parametrize("strength", [0.0, 1.0, 2.0])
def test_the_equation(
    task: Task, given: Callable[..., Any], batch: Callable[..., Any], strength: float
) -> None:
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 1, UNLABELLED, 2, 2])
    told = LogitAdjusted(task, 2, strength)(given(logits=logits), batch(emotion=target))
    prior = torch.tensor([0.1, 0.3, 0.6])
    expected = F.cross_entropy(logits + strength * prior.log(), target, ignore_index=UNLABELLED)
    torch.testing.assert_close(told["logit_adjusted"], expected)


@pytest.mark.parametrize(("strength", "expected"), [(0.0, 2.197), (1.0, 0.0)])
def test_logits_that_tell_nothing_prefer_no_class(
    given: Any, batch: Any, strength: float, expected: float
) -> None:
    """The best constant logits of nine rows to one are even; those of cross-entropy are not."""
    task, target = Task(classes=("a", "b"), class_counts=(9, 1)), torch.tensor([0] * 9 + [1])
    loss, logits = LogitAdjusted(task, 2, strength), torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=1.0)
    for _ in range(400):
        optimizer.zero_grad()
        told = loss(given(logits=logits.expand(10, 2)), batch(emotion=target))
        told["logit_adjusted"].backward()
        optimizer.step()
    assert float(logits[0] - logits[1]) == pytest.approx(expected, abs=1e-2)


def test_values_alone_have_no_prior() -> None:
    with pytest.raises(MmserError, match="the training fold's count of each; found 0 classes"):
        LogitAdjusted(Task(values=("valence",)), 2)

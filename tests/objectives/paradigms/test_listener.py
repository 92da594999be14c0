"""Votes of single annotators: how the model is asked, and what each vote weighs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch, Outputs, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.paradigms.listener import ListenerVotes, weigh_votes

TASK = Task(("a", "b"), listeners=("one", "two"), listener_counts=((5, 5, 0), (500, 500, 0)))


class Model:
    """Answers with the given logits per listener, and keeps whom it was asked for."""

    def __init__(self, listeners: torch.Tensor | None) -> None:
        self.vector_size, self.encoders = 1, nn.ModuleDict()
        self.answer, self.asked = listeners, []

    def __call__(self, streams: Any, context: Any, **_: Any) -> Outputs:
        self.asked.append(context.listeners)
        alone = self.answer if context.listeners is not None else None
        return Outputs(torch.zeros(2, 1), torch.zeros(2, 2), listeners=alone)


def batch() -> Batch:
    targets = {
        "listener": torch.tensor([[0, 1], [1, UNLABELLED]]),
        "listener_emotion": torch.tensor([[0, 1], [1, UNLABELLED]]),
    }
    return Batch(("u", "v"), {}, empty_context(2), targets)


def test_each_vote_is_a_cross_entropy_with_its_weight() -> None:
    logits, objective = torch.randn(2, 2, 2), ListenerVotes(TASK, 1, min_labels=1)
    model = Model(logits)
    step = objective.step(model, batch(), 0.0)
    pairs = logits[torch.tensor([True, True, True, False]).view(2, 2)]
    losses = F.cross_entropy(pairs, torch.tensor([0, 1, 1]), reduction="none")
    weights = objective.weight[[0, 1, 1], [0, 1, 1]]
    torch.testing.assert_close(step.losses["listener_votes"], (losses * weights).mean())
    assert step.outputs is None and len(model.asked) == 1


def test_in_validation_the_consensus_is_what_is_scored() -> None:
    model = Model(torch.randn(2, 2, 2))
    step = ListenerVotes(TASK, 1).eval().step(model, batch(), 0.0)
    assert step.outputs is not None and step.outputs.listeners is None
    assert [asked is None for asked in model.asked] == [True, False]


def test_every_listener_weighs_the_same_and_weights_have_mean_1() -> None:
    weight = weigh_votes(TASK, torch.tensor([0, 1, 2]))
    counts = torch.tensor([[5.0, 5.0], [500.0, 500.0]])
    totals = (weight[:2, :2] * counts).sum(dim=1)
    torch.testing.assert_close(totals[0], totals[1])
    torch.testing.assert_close((weight[:2, :2] * counts).sum() / counts.sum(), torch.tensor(1.0))


def test_a_head_without_listeners_and_a_fold_without_votes_are_refused() -> None:
    with pytest.raises(MmserError, match="a head that answers per listener; found none"):
        ListenerVotes(TASK, 1).step(Model(None), batch(), 0.0)
    with pytest.raises(MmserError, match="single annotators' votes in the training fold"):
        ListenerVotes(Task(("a",)), 1)

"""One class against the others, in turn."""

import pytest
import torch
from torch import nn

from mmser.core.batch import Batch, Outputs, empty_context
from mmser.core.task import Task
from mmser.objectives.losses.one_vs_rest import OneVsRest

TASK = Task(classes=tuple("abcd"))


def batch_of(target):
    rows = len(target)
    return Batch(tuple(map(str, range(rows))), {}, empty_context(rows), {"emotion": target})


def answered(logits):
    return Outputs(logits, logits)


def test_one_class_at_a_time_in_turn():
    yes = torch.tensor([[0.8, 0.1, 0.3, 0.5], [0.2, 0.9, 0.4, 0.5]])
    given, objective = answered(yes.log()), OneVsRest(TASK, 4)
    batch = batch_of(torch.tensor([0, 1]))
    expected = nn.functional.binary_cross_entropy(
        yes, torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]), reduction="none"
    )
    found = []
    for _ in range(5):
        found.append(float(objective(given, batch)["one_vs_rest"].detach()))
        objective.after_step()
    assert found == pytest.approx(
        [*expected.mean(dim=0).tolist(), float(expected.mean(dim=0)[0])], abs=1e-5
    )
    assert float(objective.eval()(given, batch)["one_vs_rest"].detach()) == pytest.approx(
        float(expected.mean()), abs=1e-5
    )


def test_the_turn_is_part_of_what_a_run_resumes_from():
    objective, resumed = OneVsRest(TASK, 4), OneVsRest(TASK, 4)
    for _ in range(3):
        objective.after_step()
    resumed.load_state_dict(objective.state_dict())
    assert int(resumed.turn) == 3


def test_certainty_keeps_the_gradient_finite():
    logits = torch.tensor([[0.0, -50.0, -50.0, -50.0]], requires_grad=True)
    objective = OneVsRest(TASK, 4, alternate=False)
    loss = objective(answered(logits), batch_of(torch.tensor([1])))["one_vs_rest"]
    assert torch.autograd.grad(loss, logits)[0].isfinite().all()

"""The model runs once, with what the loss asks for, and the fusion's own terms count once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.classification import BalancedNLL, CrossEntropy, FocalLoss, SoftVotes
from mmser.objectives.losses.domain_adversarial import DomainAdversarial
from mmser.objectives.losses.one_vs_rest import OneVsRest
from mmser.objectives.losses.turn import TurnCrossEntropy
from mmser.objectives.losses.weighted_sum import WeightedSum
from mmser.objectives.paradigms.maml import Maml
from mmser.objectives.paradigms.supervised import Supervised, check_objective, objective_of

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])


class Recorder:
    """Answers with the given outputs, and keeps how it was asked."""

    def __init__(self, outputs: Outputs) -> None:
        self.outputs, self.vector_size, self.encoders = outputs, 2, nn.ModuleDict()
        self.asked: list[dict[str, Any]] = []

    def __call__(self, streams: Any, context: Any, **asked: Any) -> Outputs:
        self.asked.append(asked)
        return self.outputs


@pytest.fixture
def data(batch: Callable[..., Batch]) -> Batch:
    return batch(emotion=torch.tensor([0, 2]), gender=torch.tensor([0, 1]))


@pytest.mark.parametrize("make", [CrossEntropy, FocalLoss, BalancedNLL, SoftVotes])
def test_the_fusions_losses_are_added_by_name(
    given: Callable[..., Outputs], data: Batch, task: Task, make: Callable[..., nn.Module]
) -> None:
    model = Recorder(given(logits=LOGITS, losses={"alignment": torch.tensor(0.25)}))
    loss = make(task, 2)
    step = Supervised(loss).step(model, data, 0.0)
    assert step.losses == {**loss(model.outputs, data), "alignment": torch.tensor(0.25)}
    assert step.outputs is model.outputs


def test_two_losses_read_one_run_of_the_model_and_the_fusions_terms_are_not_weighted(
    given: Callable[..., Outputs], data: Batch, task: Task
) -> None:
    model = Recorder(given(logits=LOGITS, losses={"alignment": torch.tensor(0.5)}))
    terms = {"one": CrossEntropy, "two": FocalLoss}
    losses = Supervised(WeightedSum(task, 2, terms, dict.fromkeys(terms, 0.1))).step(model, data, 0)
    assert model.asked == [{}]
    assert losses.losses["alignment"].item() == 0.5
    assert set(losses.losses) == {"one.cross_entropy", "two.focal", "alignment"}
    torch.testing.assert_close(losses.total, sum(losses.losses.values(), torch.tensor(0.0)))


def test_answers_at_every_step_are_asked_for_by_the_losses_that_read_them(
    given: Callable[..., Outputs], data: Batch, task: Task
) -> None:
    asked: list[Any] = []

    class Steps(TurnCrossEntropy):
        def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
            return {"turn": outputs.vector.sum()}

    model = Recorder(given(logits=LOGITS))
    Supervised(Steps(task, 2)).step(model, data, 0.0)
    asked += model.asked
    assert asked == [{"need_steps": True}]


def test_a_ramped_loss_is_told_the_progress_and_an_alternating_one_the_step(task: Task) -> None:
    adversary, turns = DomainAdversarial(task, 2, "gender"), OneVsRest(task, 2)
    model = Recorder(Outputs(torch.randn(2, 2), LOGITS))
    batch = Batch(
        ("a", "b"), {}, None, {"emotion": torch.tensor([0, 1]), "gender": torch.arange(2)}
    )  # type: ignore[arg-type]
    Supervised(adversary).step(model, batch, 0.25)
    assert adversary.progress == 0.25
    Supervised(turns).after_step(model)
    assert int(turns.turn) == 1


def test_a_paradigm_stays_itself_and_a_loss_is_trained_as_supervised(task: Task) -> None:
    meta, loss = Maml(task, 2), CrossEntropy(task, 2)
    assert objective_of(meta) is meta
    assert objective_of(loss) == Supervised(loss)


def test_an_objective_of_ones_own_that_runs_the_model_without_step_is_refused(task: Task) -> None:
    class Old(nn.Module):
        def forward(self, model: Any, batch: Batch) -> dict[str, Tensor]:
            return {}

    with pytest.raises(
        MmserError, match=r"found Old.forward\(model, batch\). A loss runs no model"
    ):
        check_objective(Old())
    check_objective(CrossEntropy(task, 2))
    check_objective(Maml(task, 2))

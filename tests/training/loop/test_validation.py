"""The validation split dealt to several processes has the scores of one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mmser.core.batch import Batch, Outputs, Step, Stream, empty_context
from mmser.core.task import Task
from mmser.objectives.losses.classification import CrossEntropy
from mmser.training.loop import loss_sums, validation
from mmser.training.loop.loss_sums import LossSums
from mmser.training.loop.validation import ValidationEpoch

TASK = Task(classes=("a", "b", "c"), class_counts=(3, 2, 5))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.classes = nn.Linear(4, 3)

    def forward(self, streams, context, need_attention=False):
        vector = streams["x"].values[:, 0]
        return Outputs(vector, self.classes(vector))


class PerBatch(nn.Module):
    """A paradigm of its own, scored batch by batch."""

    def step(self, model, batch, progress):
        outputs = model(batch.streams, batch.context)
        return Step({"mean": outputs.logits.square().mean()}, outputs)


def batches() -> list[Batch]:
    generator = torch.Generator().manual_seed(0)
    made = []
    for number, size in enumerate((5, 3, 4)):
        values = torch.randn(size, 1, 4, generator=generator)
        targets = {"emotion": torch.randint(3, (size,), generator=generator)}
        streams = {"x": Stream(values, torch.ones(size, 1, dtype=torch.bool))}
        ids = tuple(f"b{number}u{row}" for row in range(size))
        made.append(Batch(ids, streams, empty_context(size), targets))
    return made


@pytest.mark.parametrize("objective", [CrossEntropy(task=TASK, vector_size=4), PerBatch()])
@pytest.mark.parametrize(
    "dealt", [((0, 2), (1,)), ((2,), (0,), (1,)), ((0,), (1,), (2,), (0,)), ((1, 0), (2, 1))]
)
def test_scores_do_not_depend_on_who_had_which_batch(monkeypatch, dealt, objective) -> None:
    torch.manual_seed(0)
    model = Small()

    def told(places: tuple[int, ...]) -> ValidationEpoch:
        epoch = ValidationEpoch(objective, TASK)
        for place in places:
            epoch.add(model, batches()[place])
        return epoch

    alone = told((0, 1, 2)).finish(torch.device("cpu"))
    of_all = [told(places).totals.on_cpu() for places in dealt]
    monkeypatch.setattr(validation, "of_all_processes", lambda own: of_all)
    together = told(dealt[0]).finish(torch.device("cpu"))
    assert together.keys() == alone.keys() and "loss" in alone
    assert {name: pytest.approx(value, abs=1e-6) for name, value in alone.items()} == together


def test_training_losses_are_those_of_all_processes(monkeypatch) -> None:
    first, second = LossSums(), LossSums()
    first.add(("a", "loss"), torch.tensor([1.0, 2.0]), 4)
    second.add(("b", "loss"), torch.tensor([3.0, 6.0]), 2)
    told: list = []
    monkeypatch.setattr(loss_sums, "of_all_processes", lambda own: told.append(own) or [own])
    second.take()
    monkeypatch.setattr(loss_sums, "of_all_processes", lambda own: [own, told[0]])
    means = first.take()
    assert means == {"a": 4 / 6, "loss": (8 + 12) / 6, "b": 1.0}
    assert np.isfinite(list(means.values())).all()

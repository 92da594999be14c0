"""The learner's scores against scikit-learn over the whole part, and what it does to parameters."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from torch import nn

from mmser.core.batch import Batch, Outputs, Step, Stream, empty_context
from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.classification import CrossEntropy
from mmser.objectives.losses.regression import ConcordanceLoss, concordance
from mmser.settings.reading import read_options
from mmser.settings.trainer import Trainer
from mmser.training.devices import find_place
from mmser.training.loop.learner import Learner
from mmser.training.loop.plain import PlainTrainer
from mmser.training.loop.schedulers import step

TASK = Task(classes=("a", "b", "c"), values=("valence", "arousal"), class_counts=(3, 2, 5))


class Small(nn.Module):
    """vector = the stream's only step; one linear layer for classes, one for values."""

    vector_size = 4

    def __init__(self):
        super().__init__()
        self.classes = nn.Linear(4, 3)
        self.values = nn.Linear(4, 2)

    def forward(self, streams, context, need_attention=False):
        vector = streams["x"].values[:, 0]
        return Outputs(vector, self.classes(vector), self.values(vector))


class PerBatch(nn.Module):
    """A paradigm of its own, scored batch by batch; says what it was told."""

    def __init__(self, task, vector_size):
        super().__init__()
        self.seen, self.stepped = [], 0

    def step(self, model, batch, progress):
        self.seen.append(progress)
        outputs = model(batch.streams, batch.context)
        return Step({"mean": outputs.logits.square().mean()}, outputs)

    def after_step(self, model):
        self.stepped += 1


def make_batches(sizes=(5, 3, 4), seed=0):
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for number, size in enumerate(sizes):
        values = torch.randn(size, 1, 4, generator=generator)
        emotion = torch.randint(0, 3, (size,), generator=generator)
        emotion[0] = -100
        target = torch.randn(size, 2, generator=generator)
        target[1, 0] = torch.nan
        ids = tuple(f"u{number}-{row}" for row in range(size))
        stream = Stream(values, torch.ones(size, 1, dtype=torch.bool))
        batches.append(
            Batch(ids, {"x": stream}, empty_context(size), {"emotion": emotion, "values": target})
        )
    return batches


def make_learner(objective=CrossEntropy, **options):
    torch.manual_seed(0)
    model = Small()
    options = {"optimizer": partial(torch.optim.SGD, lr=0.1), "monitor": "loss", **options}
    return Learner(model, objective(TASK, 4), TASK, **options)


class Loader(list):
    batch_sampler = SimpleNamespace(set_epoch=lambda epoch: None)


class Ready:
    """A fold's data whose batches are there already, the same in both splits."""

    def __init__(self, batches):
        self.batches = batches

    def loader(self, split, shuffle, device=None):
        return Loader(self.batches)


def run(learner, batches, epochs=1, **options):
    changes = {"epochs": epochs, "patience": None, "accelerator": "cpu", **options}
    read = read_options(Trainer, changes, load_config("trainer", "default"))
    trainer = PlainTrainer(read, find_place("cpu"), True, [])
    trainer.fit(learner, Ready(batches), None)
    return trainer


@pytest.fixture
def joined():
    """Everything the learner saw, in one piece."""
    batches = make_batches()
    vectors = torch.cat([batch.streams["x"].values[:, 0] for batch in batches])
    targets = {
        name: torch.cat([batch.targets[name] for batch in batches])
        for name in ("emotion", "values")
    }
    return batches, vectors, targets


def test_class_scores_are_scikit_learns_over_the_whole_part(joined):
    batches, vectors, targets = joined
    learner = make_learner(optimizer=partial(torch.optim.SGD, lr=0.0))
    run(learner, batches)
    logits = learner.model.classes(vectors).detach()
    kept = targets["emotion"] != -100
    truth, guess = targets["emotion"][kept].numpy(), logits.argmax(dim=1)[kept].numpy()
    assert learner.metrics["wa"] == pytest.approx(accuracy_score(truth, guess))
    assert learner.metrics["ua"] == pytest.approx(balanced_accuracy_score(truth, guess))
    assert learner.metrics["wf1"] == pytest.approx(f1_score(truth, guess, average="weighted"))
    present = sorted(set(truth))
    assert learner.metrics["macro_f1"] == pytest.approx(
        f1_score(truth, guess, average="macro", labels=present)
    )
    loss = nn.functional.cross_entropy(logits, targets["emotion"])
    assert learner.metrics["loss"] == pytest.approx(float(loss))


def test_ccc_is_over_the_whole_part_not_a_mean_of_batches(joined):
    batches, vectors, targets = joined
    learner = make_learner(
        ConcordanceLoss, optimizer=partial(torch.optim.SGD, lr=0.0), monitor="ccc"
    )
    run(learner, batches)
    whole = concordance(learner.model.values(vectors).detach(), targets["values"])
    assert learner.metrics["ccc_valence"] == pytest.approx(float(whole[0]), abs=1e-5)
    assert learner.metrics["ccc"] == pytest.approx(float(whole.mean()), abs=1e-5)
    assert learner.metrics["loss"] == pytest.approx(1.0 - float(whole.mean()), abs=1e-5)


def test_other_objectives_are_means_weighted_by_rows_and_still_scored(joined):
    batches, vectors, _ = joined
    learner = make_learner(PerBatch, optimizer=partial(torch.optim.SGD, lr=0.0))
    run(learner, batches)
    assert learner.metrics["mean"] == pytest.approx(
        learner.model.classes(vectors).square().mean().item(), rel=1e-5
    )
    assert 0.0 <= learner.metrics["ua"] <= 1.0


def test_an_objective_hears_of_progress_and_steps():
    learner = make_learner(PerBatch)
    run(learner, make_batches(), epochs=2)
    training = learner.objective.seen[:3] + learner.objective.seen[6:9]
    assert np.allclose(training, [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])
    assert learner.objective.stepped == 6


def test_an_objective_steps_once_per_accumulated_batches():
    learner = make_learner(PerBatch)
    run(learner, make_batches((5, 3, 4, 2)), accumulate=2)
    assert learner.objective.stepped == 2


def test_frozen_parameters_stay_and_their_modules_do_not_train():
    learner = make_learner(frozen=["classes.*"], objective=ConcordanceLoss)
    before = learner.model.classes.weight.clone()
    run(learner, make_batches())
    assert torch.equal(learner.model.classes.weight, before)
    assert not learner.model.classes.weight.requires_grad


def test_the_schedule_is_stepped_per_epoch():
    learner = make_learner(scheduler=partial(step, every=1, factor=0.5))
    trainer = run(learner, make_batches(), epochs=3)
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.1 * 0.5**3)


def test_a_diverging_run_says_so():
    learner = make_learner(PerBatch, optimizer=partial(torch.optim.SGD, lr=1e30))
    with pytest.raises(MmserError, match="finite training losses"):
        run(learner, make_batches(), epochs=5)


def test_a_score_that_cannot_be_had_is_named():
    batches = make_batches()
    for batch in batches:
        batch.targets["emotion"].fill_(-100)
    with pytest.raises(MmserError, match="a validation score 'ua'"):
        run(make_learner(ConcordanceLoss, monitor="ua"), batches)


def test_a_part_without_any_label_has_no_loss():
    batches = make_batches()
    for batch in batches:
        batch.targets["emotion"].fill_(-100)
        batch.targets["values"].fill_(torch.nan)
    with pytest.raises(MmserError, match="a validation score 'loss'; found only"):
        run(make_learner(monitor="loss"), batches)


def test_last_grows_with_every_step():
    learner = make_learner(monitor="last")
    trainer = run(learner, make_batches(), epochs=2)
    assert learner.metrics["last"] == 6.0
    assert trainer.global_step == 6

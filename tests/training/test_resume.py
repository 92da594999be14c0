"""A fold killed at random points and started again ends with the bits of one that was never
interrupted.
"""

import multiprocessing
import random
import time

import pandas as pd
import pytest
import torch

from mmser.runs.run_identity import claim
from mmser.settings.run import read_run
from mmser.training.fit import prepare, train
from mmser.training.fold_training import fit_fold
from mmser.training.inputs.corpora import build_corpora
from mmser.training.run import Run

CHANGES = {
    "trainer.epochs": 6,
    "trainer.check_every": 0.5,
    "trainer.patience": 4,
    "trainer.clip_norm": 1.0,
    "data.batch_size": 4,
}
SCHEDULES = {
    "warmup_linear": {"warmup": 0.3},
    "plateau": {"patience": 0},
    "cosine": {},
}


def read(config):
    """The settings and the corpora of a config."""
    settings = read_run(config)
    return settings, build_corpora(settings)


def changed(settings, run, schedule):
    # One of them with averaged weights.
    average = {"trainer.average": 0.8 if schedule == "cosine" else None}
    target = {
        "_target_": f"mmser.training.loop.schedulers.{schedule}",
        "_partial_": True,
        **SCHEDULES[schedule],
    }
    return settings(run=run, folds=["s1"], scheduler=target, **CHANGES, **average)


def results(run):
    folder = run.fold("s1", 0).directory
    table = pd.read_csv(folder / "metrics.csv").drop(columns="seconds")
    return (
        (folder / "model.safetensors").read_bytes(),
        (folder / "fold.json").read_text(),
        table.to_csv(),
    )


def kill_at(directory, seconds):
    """Train in a forked process and kill it after some seconds; -> whether it had
    ended by itself.
    """
    process = multiprocessing.get_context("fork").Process(
        target=fit_fold, args=(directory, "s1", 0)
    )
    process.start()
    process.join(seconds)
    ended = not process.is_alive()
    process.kill()
    process.join()
    return ended


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_killed_at_random_points(settings, schedule):
    start = time.monotonic()
    undisturbed = train(changed(settings, "undisturbed", schedule))
    whole = time.monotonic() - start
    killed = changed(settings, "killed", schedule)
    directory = undisturbed.directory.parent / "killed"
    claim(directory, killed)
    prepare(directory, killed, *read(killed))
    chance = random.Random(schedule)
    for _ in range(4):
        if kill_at(directory, chance.uniform(0.15, 0.6) * whole):
            break
    train(killed)
    assert results(Run(directory)) == results(undisturbed)


def test_an_interrupted_epoch_is_done_again_from_its_start(settings, monkeypatch):
    """Stopped by an error in the middle of the third epoch, so that resuming surely starts from a
    state.
    """
    from mmser.training.loop.learner import Learner

    undisturbed = train(changed(settings, "undisturbed", "warmup_linear"))
    original, steps = Learner.training_step, []

    def failing(self, batch, batch_idx):
        steps.append(batch_idx)
        if len(steps) == 15:
            raise InterruptedError
        return original(self, batch, batch_idx)

    monkeypatch.setattr(Learner, "training_step", failing)
    with pytest.raises(InterruptedError):
        train(changed(settings, "broken", "warmup_linear"))
    folder = undisturbed.directory.parent / "broken" / "folds" / "s1-seed0"
    state = torch.load(folder / "state.ckpt", weights_only=True)
    assert state["finished_epochs"] == 2
    run = train(changed(settings, "broken", "warmup_linear"))
    assert results(run) == results(undisturbed)
    assert not (folder / "state.ckpt").exists()


def test_what_was_trained_since_the_last_written_state_comes_out_the_same(settings, monkeypatch):
    """Short epochs are not written each: here the state is two epochs older than the interruption,
    and older than the best weights.
    """
    from mmser.training.loop import callbacks
    from mmser.training.loop.learner import Learner

    undisturbed = train(changed(settings, "undisturbed", "cosine"))
    original, steps = Learner.training_step, []

    def failing(self, batch, batch_idx):
        steps.append(batch_idx)
        if len(steps) == 21:
            raise InterruptedError
        return original(self, batch, batch_idx)

    first_only = iter([True])
    with monkeypatch.context() as patched:
        patched.setattr(Learner, "training_step", failing)
        patched.setattr(callbacks, "_is_due", lambda written: next(first_only, False))
        # Of the weights, the table and the state, the state is the first that asks.
        patched.setattr(callbacks, "_KEPT", -1)
        patched.setattr(callbacks.MetricsTable, "on_validation_end", lambda *_: None)
        with pytest.raises(InterruptedError):
            train(changed(settings, "broken", "cosine"))
    folder = undisturbed.directory.parent / "broken" / "folds" / "s1-seed0"
    assert torch.load(folder / "state.ckpt", weights_only=True)["finished_epochs"] == 1
    run = train(changed(settings, "broken", "cosine"))
    weights, facts, _ = results(run)
    assert (weights, facts) == results(undisturbed)[:2]


def test_a_fold_that_had_stopped_early_is_not_trained_on(settings, monkeypatch):
    """Killed between the last epoch and the end: resuming must not add an epoch."""
    from mmser.training import fold_training as fold_module

    made = settings(
        folds=["s1"], **{"trainer.epochs": 30, "trainer.patience": 1, "optimizer.lr": 0.0}
    )
    original = fold_module._finish
    monkeypatch.setattr(fold_module, "_finish", lambda *a: (_ for _ in ()).throw(InterruptedError))
    with pytest.raises(InterruptedError):
        train(made)
    monkeypatch.setattr(fold_module, "_finish", original)
    run = train(made)
    assert list(run.fold("s1", 0).curve["epoch"]) == [1, 2]
    assert run.fold("s1", 0).facts["epochs"] == 2


def test_two_processes_do_not_train_one_fold(settings):
    from mmser.cache.lock import locked
    from mmser.core.errors import MmserError

    made = settings(folds=["s1"])
    folder = (
        train({**made, "folds": [], "run": made["run"] + "x"}).directory.parent
        / "run"
        / "folds"
        / "s1-seed0"
    )
    folder.mkdir(parents=True)
    with locked(folder / "fold.lock"), pytest.raises(MmserError, match="fold to be free"):
        train(made)


def test_the_best_weights_wait_no_longer_than_a_state(settings, monkeypatch):
    """What a state knows of lies on the disk; without one, the end writes it."""
    from mmser.training.loop import callbacks
    from mmser.training.loop.learner import Learner

    undisturbed = train(changed(settings, "undisturbed", "cosine"))
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_WRITES", 1e6)
    assert results(train(changed(settings, "at the end", "cosine"))) == results(undisturbed)
    # A state after each epoch, while the weights themselves are never due.
    monkeypatch.setattr(callbacks.ResumeState, "_is_due", lambda self: True)
    original, steps = Learner.training_step, []

    def failing(self, batch, batch_idx):
        steps.append(batch_idx)
        if len(steps) == 26:
            raise InterruptedError
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "training_step", failing)
        with pytest.raises(InterruptedError):
            train(changed(settings, "broken", "cosine"))
    folder = undisturbed.directory.parent / "broken" / "folds" / "s1-seed0"
    assert torch.load(folder / "state.ckpt", weights_only=True)["finished_epochs"] == 4
    assert (folder / "model.safetensors").is_file()
    assert results(train(changed(settings, "broken", "cosine"))) == results(undisturbed)

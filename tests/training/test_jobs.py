import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import torch

from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.settings.reading import read_options
from mmser.settings.trainer import Trainer
from mmser.training import fold_server, forks, jobs
from mmser.training.devices import Place
from mmser.training.fit import train
from mmser.training.forks import Forks, may_fork, run_in_forks
from mmser.training.jobs import job_count
from mmser.training.room import CONTEXT, Room, folds_in


@pytest.mark.parametrize(
    ("options", "pending", "accelerator", "expected"),
    [
        ({"jobs": 4, "threads": 1}, 10, "cpu", 4),
        ({"jobs": 4, "threads": 1}, 2, "cpu", 2),
        ({"jobs": 4, "threads": 1}, 0, "cpu", 1),
        ({"jobs": "auto", "threads": 1}, 10, "cpu", 6),
        ({"jobs": "auto", "threads": 2}, 10, "cpu", 3),
        ({"jobs": "auto", "threads": 1}, 10, "cuda", 6),
        ({"jobs": "auto", "threads": 1}, 10, "mps", 1),
    ],
)
def test_as_many_jobs_as_asked_needed_and_cores(
    monkeypatch, options, pending, accelerator, expected
):
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    trainer = read_options(Trainer, options, load_config("trainer", "default"))
    assert job_count(trainer, pending, Place(accelerator, "a machine")) == expected


def test_only_a_lone_thread_on_the_cpu_forks(monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(forks.sys, "platform", "linux")
    assert may_fork(1, "cpu")
    assert not may_fork(2, "cpu")
    assert not may_fork(1, "cuda")
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert not may_fork(1, "cpu")


def pretend(monkeypatch, fit_fold):
    """Forks that do this instead of training."""
    monkeypatch.setattr(forks, "fit_fold", fit_fold)
    monkeypatch.setattr(forks, "_import_for_all", lambda directory: None)
    monkeypatch.setattr(forks, "Run", lambda directory, tells_changes: None)


def test_forks_train_fold_after_fold_and_a_dead_one_harms_no_other(monkeypatch, tmp_path):
    def fit_fold(directory, fold, seed, accelerator, run):
        if fold == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if fold == "odd":
            raise ZeroDivisionError("by nothing")
        (directory / f"{fold}-{seed}").write_text(str(os.getpid()))
        if fold == "b":
            time.sleep(0.3)

    pretend(monkeypatch, fit_fold)
    pending = [("b", 0), ("a", 0), ("a", 1), ("killed", 0), ("odd", 1), ("a", 2)]
    errors = run_in_forks(tmp_path, pending, Forks(tmp_path, "cpu", 2))
    dead = "its process ended with -9"
    assert errors == ["", "", "", dead, "ZeroDivisionError: by nothing", ""]
    processes = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(processes) == ["a-0", "a-1", "a-2", "b-0"]
    assert processes["a-0"] == processes["a-1"] != processes["a-2"]
    assert str(os.getpid()) not in processes.values()


def test_one_fold_tells_how_many_have_room_and_one_without_room_comes_later(monkeypatch, tmp_path):
    """The card of this test has room for three."""
    taken = multiprocessing.get_context("fork").Value("i", 0)
    log = tmp_path / "log"

    def fit_fold(directory, fold, seed, accelerator, run):
        with taken.get_lock():
            taken.value += 1
            with log.open("a") as file:
                file.write(f"{fold} {taken.value}\n")
        time.sleep(0.2)
        with taken.get_lock():
            taken.value -= 1
        if log.read_text().count(fold) == 1 and fold == "large":
            raise torch.OutOfMemoryError("no room")

    pretend(monkeypatch, fit_fold)
    monkeypatch.setattr(forks, "room_of", lambda accelerator: Room(3))
    pending = [("first", 0), ("a", 0), ("large", 0), ("b", 0), ("c", 0)]
    errors = run_in_forks(tmp_path, pending, Forks(tmp_path, "cuda", 4, by_memory=True))
    assert errors == [""] * 5
    lines = [line.split() for line in log.read_text().splitlines()]
    assert lines[0] == ["first", "1"] and lines[-1] == ["large", "1"]
    assert max(int(count) for _, count in lines) <= 3


def test_room_is_judged_by_the_largest_that_was_held():
    gigabyte = 2**30
    assert folds_in(80 * gigabyte, gigabyte) == int(0.85 * 80 * gigabyte) // (gigabyte + CONTEXT)
    assert folds_in(4 * gigabyte, 60 * gigabyte) == 1


def test_folds_of_several_threads_end_with_the_same_bits(settings, capfd):
    """They cannot be forked here: a process without threads does it."""
    made = {"trainer.threads": 2, "trainer.epochs": 1, "folds": ["s0", "s1", "s2"]}
    one = train(settings(run="one", **made))
    several = train(settings(run="several", **made, **{"trainer.jobs": 2}))
    for trained in one.finished():
        files = [
            run.fold(trained.fold, 0).directory / "model.safetensors" for run in (one, several)
        ]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert "3/3 fold" in capfd.readouterr().err


def test_a_server_that_dies_is_told_by_its_last_line(monkeypatch, tmp_path):
    program = "import sys; sys.stdin.readline(); print('so', file=sys.stderr); sys.exit(3)"
    monkeypatch.setattr(fold_server, "PROGRAM", ["-c", program])
    options = read_options(Trainer, {"threads": 2}, load_config("trainer", "default"))
    with pytest.raises(
        MmserError, match=r"a seed 0, b seed 2 failed \(so .its process ended with 3"
    ):
        pending = [("a", 0), ("b", 2)]
        jobs.run_in_processes(tmp_path, pending, 2, options, Place("cpu", "a machine"))


def test_each_fork_takes_the_next_of_several_cards(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert fold_server.cards_of(Place("cuda", "a card", count=2)) == ["3", "5"]
    assert fold_server.cards_of(Place("cuda", "a card", count=1)) == [""]
    made = Forks(Path(), "cuda", 3, ["3", "5"])
    monkeypatch.setattr(forks.multiprocessing, "get_context", lambda kind: Context())
    for number in range(3):
        made._start(number, [("a", 0)] * 3)
    assert [fork.card for fork in made.running.values()] == ["3", "5", "3"]


class Context:
    """Processes that are not started."""

    def Pipe(self):  # noqa: N802
        return MagicMock(), MagicMock()

    def Process(self, target, args):  # noqa: N802
        return MagicMock()

import os
import signal
import threading

import pytest

from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.settings.reading import read_options
from mmser.settings.trainer import Trainer
from mmser.training import forks, jobs, worker
from mmser.training.devices import Place
from mmser.training.fit import train
from mmser.training.forks import may_fork, run_in_forks
from mmser.training.jobs import job_count


@pytest.mark.parametrize(
    ("options", "pending", "accelerator", "expected"),
    [
        ({"jobs": 4, "threads": 1}, 10, "cpu", 4),
        ({"jobs": 4, "threads": 1}, 2, "cpu", 2),
        ({"jobs": 4, "threads": 1}, 0, "cpu", 1),
        ({"jobs": "auto", "threads": 1}, 10, "cpu", 6),
        ({"jobs": "auto", "threads": 2}, 10, "cpu", 3),
        ({"jobs": "auto", "threads": 1}, 10, "cuda", 1),
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


def test_each_fork_trains_one_fold_and_a_dead_one_harms_no_other(monkeypatch, tmp_path):
    def fit_fold(directory, fold, seed, accelerator):
        if fold == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if fold == "odd":
            raise ZeroDivisionError("by nothing")
        (directory / f"{fold}-{seed}").write_text(str(os.getpid()))

    monkeypatch.setattr(forks, "fit_fold", fit_fold)
    monkeypatch.setattr(forks, "_import_for_all", lambda directory: None)
    pending = [("a", 0), ("killed", 0), ("odd", 1), ("a", 1), ("b", 2)]
    errors = run_in_forks(tmp_path, pending, 2, "cpu")
    assert errors == ["", "its process ended with -9", "ZeroDivisionError: by nothing", "", ""]
    processes = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(processes) == ["a-0", "a-1", "b-2"]
    assert len({*processes.values(), str(os.getpid())}) == 4


def test_a_worker_trains_fold_after_fold_to_the_same_bits(settings, capfd):
    """Two threads cannot be forked: a process that imports all anew takes several folds."""
    made = {"trainer.threads": 2, "trainer.epochs": 1, "folds": ["s0", "s1", "s2"]}
    one = train(settings(run="one", **made))
    several = train(settings(run="several", **made, **{"trainer.jobs": 2}))
    for trained in one.finished():
        files = [
            run.fold(trained.fold, 0).directory / "model.safetensors" for run in (one, several)
        ]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert "fold s2 seed 0: epoch 1/1" in capfd.readouterr().err


def test_a_worker_tells_what_went_wrong_and_a_dead_one_harms_no_other(monkeypatch, tmp_path):
    class Made(jobs.Worker):
        """The usual process, which runs another program."""

        PROGRAM = (
            "import json, os, sys\n"
            "for line in sys.stdin:\n"
            "    fold, seed = json.loads(line)\n"
            "    if fold == 'killed': print('so', file=sys.stderr, flush=True); os._exit(3)\n"
            "    print(json.dumps('odd' if fold == 'odd' else ''), flush=True)\n"
        )

        def __init__(self, *args):
            monkeypatch.setattr(worker, "PROGRAM", ["-c", self.PROGRAM])
            super().__init__(*args)

    monkeypatch.setattr(jobs, "Worker", Made)
    options = read_options(Trainer, {"threads": 2}, load_config("trainer", "default"))
    pending = [("a", 0), ("killed", 0), ("odd", 1), ("b", 2)]
    with pytest.raises(MmserError, match=r"killed seed 0, odd seed 1 failed \(so .its process"):
        jobs.run_in_processes(tmp_path, pending, 1, options, Place("cpu", "a machine"))


def test_each_job_sees_the_next_of_several_cards(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    seen = [worker.card(job, Place("cuda", "a card", count=2)) for job in range(3)]
    assert seen == [{"CUDA_VISIBLE_DEVICES": number} for number in ("3", "5", "3")]
    assert worker.card(1, Place("cuda", "a card", count=1)) == {}

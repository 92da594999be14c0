"""Folds as jobs, by submitit's local executor: the run that one process trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmser.core.errors import MmserError, UsageError
from mmser.pipeline.launcher_option import split_launcher
from mmser.runs.run_paths import DONE
from mmser.settings.launcher import Launcher
from mmser.training import launched
from mmser.training.fit import train


def files(run: Path) -> dict[str, bytes]:
    """All but what tells where and when it was made, and what submitit keeps."""
    made = [path for path in sorted(run.rglob("*")) if path.is_file()]
    named = {str(path.relative_to(run)): path.read_bytes() for path in made}
    passing = ("environment.json", "config.yaml", "metrics.csv")
    return {
        name: content
        for name, content in named.items()
        if not name.startswith("jobs/") and not name.endswith(passing)
    }


def test_two_folds_as_jobs_are_the_run_of_one_process(settings) -> None:
    options = {"folds": ["s0", "s2"], "trainer.epochs": 2}
    one = train(settings("one", **options))
    many = train(settings("many", **options), launcher=Launcher("submitit_local"))
    assert len(list(many.directory.glob(f"folds/*/{DONE}"))) == 2
    assert len(list((many.directory / "jobs").glob("*_submitted.pkl"))) == 2
    assert files(many.directory) == files(one.directory)
    # Nothing is left to do.
    train(settings("many", **options), launcher=Launcher("submitit_local"))
    assert len(list((many.directory / "jobs").glob("*_submitted.pkl"))) == 2


def test_a_job_that_fails_is_told_with_its_last_line(settings) -> None:
    broken = settings("broken", folds=["s0"], **{"trainer.accelerator": "mps"})
    with pytest.raises(MmserError, match=r"fold s0 seed 0 failed \(.*trainer.accelerator=mps"):
        train(broken, launcher=Launcher("submitit_local"))


def test_submitit_and_slurm_that_are_not_there(settings, monkeypatch) -> None:
    with pytest.raises(MmserError, match=r"Slurm's sbatch on this machine"):
        train(settings("a"), launcher=Launcher("slurm"))
    monkeypatch.setattr(launched, "find_spec", lambda name: None)
    with pytest.raises(MmserError, match=r"pip install 'mmser\[slurm\]'"):
        train(settings("b"), launcher=Launcher("slurm"))


def test_the_words() -> None:
    words = ["system=concat", "launcher=slurm", "launcher.partition=gpu", "launcher.gpus=1",
             "launcher.options={qos: long}"]  # fmt: skip
    launcher, others = split_launcher(words)
    assert launcher == Launcher("slurm", partition="gpu", gpus=1, options={"qos": "long"})
    assert others == ["system=concat"]
    assert split_launcher(["seed=1"]) == (None, ["seed=1"])
    with pytest.raises(UsageError, match=r"launcher\.partitions"):
        split_launcher(["launcher=slurm", "launcher.partitions=gpu"])
    with pytest.raises(UsageError, match=r"launcher=slurm or"):
        split_launcher(["launcher.partition=gpu"])
    with pytest.raises(UsageError, match="found 'pbs'"):
        split_launcher(["launcher=pbs"])

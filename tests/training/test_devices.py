"""What is taken where, and that a run keeps its name and goes on wherever it is made."""

from __future__ import annotations

import logging

import pytest
import torch

from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.runs import run_identity
from mmser.runs.run_identity import claim, run_directory
from mmser.settings.reading import read_options
from mmser.settings.trainer import Trainer
from mmser.training.devices import Place, device_options, find_place, is_distributed
from mmser.training.fit import train
from mmser.training.loop.learner import Learner
from mmser.training.run import Run

HERE = "mmser.training.devices.torch"


@pytest.fixture
def gpu(monkeypatch) -> None:
    monkeypatch.setattr(f"{HERE}.cuda.is_available", lambda: True)
    monkeypatch.setattr(f"{HERE}.cuda.get_device_name", lambda: "NVIDIA Something")
    monkeypatch.setattr(f"{HERE}.cuda.device_count", lambda: 2)


@pytest.fixture
def no_gpu(monkeypatch) -> None:
    monkeypatch.setattr(f"{HERE}.cuda.is_available", lambda: False)
    monkeypatch.setattr(f"{HERE}.backends.mps.is_available", lambda: False)


def trainer(options: dict) -> Trainer:
    """The usual trainer with these options."""
    return read_options(Trainer, options, load_config("trainer", "default"))


def test_auto_takes_the_gpu_that_is_there(gpu) -> None:
    place = find_place("auto", required=True)
    assert place.device == torch.device("cuda")
    assert place.line == "NVIDIA Something (trainer.accelerator=auto)"
    assert find_place("gpu") == find_place("cuda").__class__(
        "cuda", "NVIDIA Something", 2, "trainer.accelerator=gpu"
    )
    assert find_place("cpu").accelerator == "cpu"


def test_auto_takes_the_cpu_and_says_so(no_gpu) -> None:
    place = find_place("auto", required=True)
    assert place.accelerator == "cpu" and place.line.endswith(
        "(trainer.accelerator=auto: no GPU found)"
    )


def test_a_gpu_that_is_not_there(no_gpu) -> None:
    with pytest.raises(MmserError, match=r"a GPU for trainer\.accelerator=gpu; found none"):
        find_place("gpu", required=True)
    assert find_place("gpu").accelerator == "cpu"
    with pytest.raises(MmserError, match="among auto, cpu, gpu, cuda, mps; found quantum"):
        find_place("quantum")


def test_what_lightning_is_told() -> None:
    cpu, gpu = Place("cpu", "a processor"), Place("cuda", "a card", 2)
    asked = {"deterministic": "auto", "devices": "auto"}
    assert device_options(trainer(asked), cpu) == {
        "accelerator": "cpu",
        "devices": 1,
        "deterministic": True,
    }
    assert device_options(trainer(asked), gpu) == {
        "accelerator": "cuda",
        "devices": "auto",
        "deterministic": "warn",
    }
    assert device_options(trainer({"deterministic": False, "devices": [1]}), cpu)["devices"] == 1
    assert (
        device_options(trainer({"deterministic": True, "devices": 2}), gpu)["deterministic"] is True
    )


@pytest.mark.parametrize(
    ("devices", "count", "expected"),
    [
        (1, 8, False),
        ("1", 8, False),
        (2, 8, True),
        ("auto", 1, False),
        ("auto", 2, True),
        (-1, 2, True),
        ([1], 2, False),
    ],
)
def test_when_a_fold_takes_several_processes(devices, count, expected) -> None:
    assert is_distributed(devices, Place("cuda", "a card", count)) is expected


def unnamed(settings, accelerator: str, deterministic: bool | str = True) -> dict:
    """Settings of a run whose folder follows from them."""
    return settings(
        **{"trainer.accelerator": accelerator, "trainer.deterministic": deterministic}
    ) | {"run": None}


def test_the_place_does_not_name_a_run(settings) -> None:
    names = {
        run_directory(unnamed(settings, word, strict))
        for word in ("auto", "cpu", "gpu", "cuda", "mps")
        for strict in ("auto", True)
    }
    assert len(names) == 1
    assert run_directory(unnamed(settings, "cpu", "warn")) not in names


def test_a_run_keeps_the_name_an_earlier_version_gave_it(settings, monkeypatch) -> None:
    """They were named by the accelerator, too."""

    asked = unnamed(settings, "gpu")
    with monkeypatch.context() as before:
        before.setattr(run_identity, "CALLED", {"trainer.accelerator": ("gpu", ("gpu",))})
        old = run_directory(asked)
    new = run_directory(asked)
    assert old != new
    claim(old, asked)
    assert run_directory(asked) == old == run_directory(unnamed(settings, "auto"))


def test_a_new_run_that_asks_for_a_gpu_is_refused_without_one_and_leaves_no_folder(
    settings, no_gpu
) -> None:
    made = settings(**{"trainer.accelerator": "gpu"})
    with pytest.raises(MmserError, match="a GPU for"):
        train(made)
    assert not run_directory(made).exists()


def test_a_run_of_a_gpu_goes_on_without_one(settings, no_gpu, monkeypatch, caplog) -> None:
    """Its state says of every tensor that it lay on a GPU."""
    made = settings(
        folds=["s1"], **{"trainer.accelerator": "gpu", "trainer.precision": "bf16-mixed"}
    )
    claim(run_directory(made), made)
    original, steps = Learner.training_step, []

    def interrupted(self, batch, batch_idx):
        steps.append(batch_idx)
        if self.current_epoch:
            raise InterruptedError
        return original(self, batch, batch_idx)

    with monkeypatch.context() as before:
        before.setattr(Learner, "training_step", interrupted)
        before.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        with pytest.raises(InterruptedError):
            train(made)
    assert (run_directory(made) / "folds/s1-seed0/state.ckpt").is_file()
    caplog.set_level(logging.INFO, "mmser")
    run = train(made)
    assert list(run.fold("s1", 0).curve["epoch"]) == [1, 2, 3]
    assert "training on the CPU" in caplog.text and "this machine has no GPU" in caplog.text
    assert Run(run.directory).device == torch.device("cpu")
    assert "evaluating on the CPU" in caplog.text


def test_a_run_refused_at_its_first_check_leaves_no_folder(settings) -> None:
    made = settings(folds=["nobody"])
    with pytest.raises(MmserError, match=r"folds among .*; found nobody"):
        train(made)
    assert not run_directory(made).exists()

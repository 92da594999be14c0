import os

import pytest

from mmser.core.configs import load_config
from mmser.settings.reading import read_options
from mmser.settings.trainer import Trainer
from mmser.training.devices import Place
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

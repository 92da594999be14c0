import os

import pytest

from mmser.training.jobs import job_count


@pytest.mark.parametrize(
    ("options", "pending", "expected"),
    [
        ({"jobs": 4, "threads": 1, "accelerator": "cpu"}, 10, 4),
        ({"jobs": 4, "threads": 1, "accelerator": "cpu"}, 2, 2),
        ({"jobs": 4, "threads": 1, "accelerator": "cpu"}, 0, 1),
        ({"jobs": "auto", "threads": 1, "accelerator": "cpu"}, 10, 6),
        ({"jobs": "auto", "threads": 2, "accelerator": "cpu"}, 10, 3),
        ({"jobs": "auto", "threads": 1, "accelerator": "gpu"}, 10, 1),
    ],
)
def test_as_many_jobs_as_asked_needed_and_cores(monkeypatch, options, pending, expected):
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert job_count(options, pending) == expected

"""The range of the training fold, against hand-made frames; saved and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.minmax import fit_range
from mmser.data.transforms import Transforms

TRAINING = [
    np.array([[-4.0, 7.0], [0.0, 7.0]], np.float16),
    np.empty((0, 2), np.float16),
    np.array([[4.0, 7.0]], "f2"),
]


def test_the_training_range_becomes_zero_to_one_and_others_may_leave_it():
    scaler = fit_range(TRAINING)
    found = scaler(np.array([[-4.0, 7.0], [4.0, 8.0], [8.0, 7.0]], np.float16), "anyone")
    assert found.dtype == np.float32
    assert found.tolist() == [[0.0, 0.0], [1.0, 1.0], [1.5, 0.0]]


def test_saved_and_read_again(tmp_path: Path):
    made = Transforms({"picture": fit_range(TRAINING)})
    made.save(tmp_path / "transforms")
    read = Transforms.load(tmp_path / "transforms")
    for frames in TRAINING:
        assert np.array_equal(read.apply("picture", frames), made.apply("picture", frames))


def test_nothing_to_fit_on():
    with pytest.raises(MmserError, match="at least one frame to fit a scaler on; found none"):
        fit_range(TRAINING[1:2])

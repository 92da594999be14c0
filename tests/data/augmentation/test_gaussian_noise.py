"""Gaussian noise has the deviation that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from makers.samples import change, sample

from mmser.core.errors import MmserError
from mmser.data.augmentation.gaussian_noise import GaussianNoise
from mmser.data.sample import Sample, Track


def test_gaussian_noise_has_its_deviation():
    given = sample(2000)
    noise = (
        change(GaussianNoise(deviation=0.3), given, 0).streams["audio"].values
        - given.streams["audio"].values
    )
    assert noise.std() == pytest.approx(0.3, rel=0.02) and noise.mean() == pytest.approx(
        0, abs=0.01
    )
    with pytest.raises(MmserError, match="features in stream 'audio'; found whole numbers"):
        change(GaussianNoise(), Sample("u", {"audio": Track(np.arange(4))}, {}), 0)

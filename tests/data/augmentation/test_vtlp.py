"""The warp of frequencies: its map, and what it does to spectra."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.augmentation.vtlp import VTLP, warp_frequency, warped
from mmser.data.sample import Sample, Track
from mmser.extractors.mel import hertz_to_mel, mel_to_hertz

HERTZ = np.linspace(0, 8000, 801)


class Nobody:
    ids: tuple[str, ...] = ()
    labels: tuple[str | None, ...] = ()


@pytest.mark.parametrize("factor", [0.8, 0.95, 1.0, 1.1, 1.2])
def test_the_map_is_monotone_continuous_and_keeps_its_ends(factor):
    moved = warp_frequency(HERTZ, factor, 4800.0, 8000.0)
    assert moved[0] == 0 and moved[-1] == pytest.approx(8000)
    assert np.diff(moved).min() > 0 and np.diff(moved).max() < 30
    assert warp_frequency(np.array([1000.0]), factor, 4800.0, 8000.0)[0] == pytest.approx(1000 * factor)


def test_factor_one_is_the_identity():
    values = np.random.default_rng(0).normal(size=(7, 128)).astype(np.float32)
    centres = VTLP().centres(128)
    assert np.abs(warped(values, centres, 1.0, 4800.0, 8000.0) - values).max() < 1e-4


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_tone_moves_to_where_the_map_says(factor):
    values = np.zeros((3, 801), np.float32)
    values[:, 100] = 1.0  # 1 kHz
    after = warped(values, VTLP(scale="linear").centres(801), factor, 4800.0, 8000.0)
    assert after.shape == values.shape and after.dtype == np.float32
    assert after.argmax(axis=1).tolist() == [round(100 * factor)] * 3


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_band_centres_are_the_extractors(scale):
    low, high = hertz_to_mel(np.array([50.0, 8000.0]), scale)
    expected = mel_to_hertz(np.linspace(low, high, 66)[1:-1], scale)
    assert VTLP(scale=scale, low_hz=50.0).centres(64) == pytest.approx(expected, rel=1e-3)


def test_one_in_eight_stays():
    sample = Sample("u", {"audio": Track(np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32), 40.0)}, {})
    changes = [VTLP()(sample, np.random.default_rng(seed), 0, Nobody()) is not sample for seed in range(400)]
    assert np.mean(changes) == pytest.approx(0.875, abs=0.06)


def test_waveforms_and_unknown_scales_are_errors():
    sample = Sample("u", {"audio": Track(np.zeros(50, np.float32), 16000.0)}, {})
    with pytest.raises(MmserError, match="spectra in stream 'audio'; found steps of shape"):
        VTLP(probability=1.0)(sample, np.random.default_rng(0), 0, Nobody())
    with pytest.raises(MmserError, match="scale linear, htk or slaney; found 'bark'"):
        VTLP(scale="bark")

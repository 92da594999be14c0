"""The options of the recipes an extractor inherits: named flat, checked flat, its own defaults."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.composition import compose
from mmser.core.errors import UsageError
from mmser.extractors.audio.log_mel import LogMel
from mmser.extractors.audio.mfcc import Mfcc
from mmser.extractors.spectral.recipe import Columns, EnergyScale, Framing


def composed(word: str) -> dict:
    words = ["corpus=generic", "+extractor@extractor.mfcc40=mfcc40", word]
    return compose("preprocess", words)["extractor"]["mfcc40"]


def test_an_option_of_a_recipe_is_an_argument_of_the_extractor() -> None:
    assert composed("extractor.mfcc40.window_ms=32")["window_ms"] == 32
    assert (LogMel().window, LogMel().bands, Mfcc().window, Mfcc().bands) == (
        "hann", 64, "hamming", 40,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("extractor.mfcc40.window=round", "hamming"),
        ("extractor.mfcc40.mel_scale=bark", "slaney"),
        ("extractor.mfcc40.bands=0", "bands"),
        ("extractor.mfcc40.log=null", "decibel"),
        ("extractor.mfcc40.band=12", "bands"),
    ],
)
def test_an_option_of_a_recipe_is_checked_like_an_extractors_own(word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        composed(word)


def test_framing_counts_in_samples() -> None:
    framing = Framing(sample_rate=22_050, window_ms=40.0, hop_ms=20.0)
    assert (framing.window_length, framing.hop, framing.fft_points) == (882, 441, 1024)
    assert framing.frame_rate == 50.0 and framing.version == 2
    assert framing.spectrum(np.zeros(22_050, np.float32)).shape == (1 + (22_050 - 882) // 441, 513)


def test_energies_stay_where_no_logarithm_is_asked_for() -> None:
    energy = np.array([[1.0, 100.0]], dtype=np.float32)
    np.testing.assert_array_equal(EnergyScale(log=None).scaled(energy), energy)
    np.testing.assert_allclose(EnergyScale(log="decibel").scaled(energy), [[0.0, 20.0]], atol=1e-5)


def test_differences_are_appended_before_columns_are_standardised() -> None:
    values = np.arange(10.0, dtype=np.float32)[:, None]
    finished = Columns(difference_order=1, standardise="zscore").finished(values)
    assert finished.shape == (10, 2)
    np.testing.assert_allclose(finished.mean(axis=0), 0, atol=1e-6)

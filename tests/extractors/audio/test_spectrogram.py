"""Linear spectra."""

from __future__ import annotations

import numpy as np
import pytest
from makers.clips import speechlike, tone

from mmser.core.clip import Clip
from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.extractors.audio.spectrogram import Spectrogram
from mmser.extractors.audio.waveform import Waveform


def values_of(extractor: object, waveform: np.ndarray) -> np.ndarray:
    return extractor.extract([Clip("x", waveform)])[0].values  # type: ignore[attr-defined]


def test_a_tone_of_1_khz_peaks_in_bin_100_of_400() -> None:
    values = values_of(Spectrogram(bins=400, window_ms=40, fft=1600), tone(2.0, 1000))
    assert values.shape == (197, 400)
    assert set(values.argmax(axis=1).tolist()) == {100}


def test_relative_decibels_have_their_maximum_at_zero() -> None:
    values = values_of(
        Spectrogram(
            bins=200, relative=True, window_ms=40, fft=800, padding="zero", log="decibel", top_db=80
        ),
        speechlike(3.0, 1),
    )
    assert values.shape == (301, 200)
    assert values.max() == 0
    assert values.min() >= -80


def test_the_real_part_keeps_its_sign_and_full_precision() -> None:
    extractor = Spectrogram(part="real", log=None, padding="zero")
    values = values_of(extractor, speechlike(0.5, 2))
    assert values.min() < 0 < values.max()
    assert extractor.dtype == "float32"
    assert Spectrogram().dtype == "float16"


def test_energy_of_a_window_obeys_parseval() -> None:
    waveform = speechlike(0.1, 3)[:400]
    values = values_of(Spectrogram(window="rectangular", log=None, fft=400), waveform)[0].astype(
        np.float64
    )
    both_sides = 2 * values.sum() - values[0] - values[-1]
    assert both_sides / 400 == pytest.approx((waveform.astype(np.float64) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "samples", "peak"),
    [("spectrogram_daae", 4244, 32), ("spectrogram_daae_w256", 4240, 16)],
)
def test_a_segment_of_daae_is_32_frames_of_129_bins(name: str, samples: int, peak: int) -> None:
    """265 ms are 4240 samples; the window of 25 ms needs four zeros more."""
    options = {
        key: value for key, value in load_config("extractor", name).items() if key != "_target_"
    }
    values = values_of(Spectrogram(**options), tone(1.0, 1000)[:samples])
    assert values.shape == (32, 129)
    assert set(values.argmax(axis=1).tolist()) == {peak}
    assert values_of(Spectrogram(**options), np.zeros(samples, np.float32)) == pytest.approx(-100)


def test_impossible_geometry_is_refused() -> None:
    with pytest.raises(MmserError, match="at most 257 bins of a 512-point FFT; found bins=300"):
        Spectrogram(bins=300)
    with pytest.raises(
        MmserError, match="an FFT that holds the window; found fft=256 for a window of 400 samples"
    ):
        Spectrogram(fft=256)


def test_levels_of_a_waveform() -> None:
    waveform = speechlike(0.5, 4)
    assert np.abs(values_of(Waveform(level="peak"), waveform)).max() == pytest.approx(1)
    assert np.sqrt(np.mean(values_of(Waveform(level="rms"), waveform) ** 2)) == pytest.approx(
        0.1, rel=1e-4
    )
    scaled = values_of(Waveform(level="zscore"), waveform + 0.3)
    assert (scaled.mean(), scaled.std()) == (pytest.approx(0, abs=1e-4), pytest.approx(1, abs=1e-3))
    np.testing.assert_array_equal(values_of(Waveform(), waveform), waveform)


def test_fixed_length_takes_the_middle_or_pads_both_sides() -> None:
    ramp = np.arange(16_000, dtype=np.float32)
    middle = values_of(Waveform(seconds=0.5), ramp)
    assert (middle[0], middle[-1], len(middle)) == (4000, 11_999, 8000)
    padded = values_of(Waveform(seconds=1.5), ramp)
    assert len(padded) == 24_000
    np.testing.assert_array_equal(padded[4000:20_000], ramp)
    assert not padded[:4001].any()
    assert not padded[20_000:].any()

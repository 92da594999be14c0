"""Resampling lets neither images nor aliases through, and leaves time and level alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mmser.media.resampling import Resampler, resampled


def tone(hertz: float, rate: int, seconds: float = 0.6) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def decibels(waveform: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(frequency, level): the spectrum of the inner half against a full-scale tone; the window's
    lobes are below.
    """
    inner = waveform[len(waveform) // 4 : -len(waveform) // 4].astype(np.float64)
    window = np.kaiser(len(inner), 18.0)
    spectrum = 2 * np.abs(np.fft.rfft(inner * window)) / window.sum()
    return np.fft.rfftfreq(len(inner), 1 / rate), 20 * np.log10(spectrum + 1e-12)


@pytest.mark.parametrize("target", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("hertz", [5000.0, 7000.0, 7600.0, 7900.0, 7990.0])
def test_nothing_above_8_khz_when_16_khz_go_up(hertz: float, target: int) -> None:
    frequency, level = decibels(resampled(tone(hertz, 16_000), 16_000, target), target)
    assert level[frequency > 8020].max() < -80
    if hertz <= 7000:
        assert abs(level.max()) < 0.1


def test_a_sweep_to_22_khz_has_no_images() -> None:
    time = np.arange(16_000) / 16_000
    sweep = np.sin(2 * np.pi * (100 * time + 3900 * time**2)).astype(
        np.float32
    )  # 100 to 7900 Hz in a second
    waveform = resampled(sweep, 16_000, 22_050).astype(np.float64)
    power = np.abs(np.fft.rfft(waveform * np.kaiser(len(waveform), 18.0))) ** 2
    above = np.fft.rfftfreq(len(waveform), 1 / 22_050) > 8050
    assert 10 * np.log10(power[above].max() / power.max()) < -80


@pytest.mark.parametrize(
    ("source", "target"), [(44_100, 16_000), (48_000, 16_000), (48_000, 22_050), (32_000, 16_000)]
)
@pytest.mark.parametrize("share", [1.01, 1.05, 1.3])
def test_what_lies_above_the_new_nyquist_frequency_is_gone(
    source: int, target: int, share: float
) -> None:
    _, level = decibels(resampled(tone(share * target / 2, source), source, target), target)
    assert level.max() < -80


@pytest.mark.parametrize(
    ("source", "target"), [(16_000, 22_050), (44_100, 16_000), (48_000, 22_050), (11_127, 16_000)]
)
def test_time_and_level_stay(source: int, target: int) -> None:
    waveform = resampled(tone(440.0, source), source, target)
    assert waveform.dtype == np.float32 and abs(len(waveform) - 0.6 * target) <= 1
    inner = slice(target // 20, -target // 20)
    np.testing.assert_allclose(
        waveform[inner], tone(440.0, target)[: len(waveform)][inner], atol=2e-4
    )


def test_the_same_rate_is_the_same_array() -> None:
    waveform = tone(440.0, 16_000)
    assert resampled(waveform, 16_000, 16_000) is waveform
    assert not len(resampled(waveform[:0], 16_000, 22_050))


def test_blocks_of_any_size_and_two_rows_give_the_same() -> None:
    rows = np.stack([tone(440.0, 44_100, 0.1), tone(900.0, 44_100, 0.1)])
    resampler = Resampler(44_100, 16_000, 2)
    cuts = [0, 1, 700, 701, 3000, rows.shape[1]]
    blocks = [resampler.push(rows[:, a:b]) for a, b in pairwise(cuts)]
    found = np.concatenate([*blocks, resampler.flush()], axis=1)
    np.testing.assert_array_equal(found, [resampled(row, 44_100, 16_000) for row in rows])


@pytest.mark.parametrize("samples", [1, 2, 50])
def test_a_handful_of_samples(samples: int) -> None:
    assert (
        abs(
            len(resampled(np.ones(samples, np.float32), 16_000, 22_050)) - samples * 22_050 / 16_000
        )
        <= 1
    )

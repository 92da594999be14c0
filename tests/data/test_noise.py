"""Noise: its colour, its level, its files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import wavfile

from mmser.core.errors import MmserError
from mmser.data.noise import excerpt, mix_at_snr, pink, read_noise, white


def decibel(signal: np.ndarray, noise: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(signal)) / np.mean(np.square(noise)))


@pytest.mark.parametrize("snr", [20.0, 10.0, 5.0, 0.0, -5.0])
def test_the_ratio_is_the_one_asked_for(snr):
    generator = np.random.default_rng(0)
    signal = (0.01 * np.sin(np.arange(16000) / 20)).astype(np.float32)
    mixed = mix_at_snr(signal, 300 * white(16000, generator), snr)
    assert decibel(signal, mixed - signal) == pytest.approx(snr, abs=0.1)
    assert mixed.dtype == np.float32


def test_silence_stays_silence():
    silent = np.zeros(100, np.float32)
    assert not mix_at_snr(silent, np.ones(100, np.float32), 0.0).any()
    assert mix_at_snr(np.ones(100, np.float32), silent, 0.0).tolist() == [1.0] * 100


def test_pink_noise_falls_by_three_decibels_per_octave():
    power = np.abs(np.fft.rfft(pink(2**17, np.random.default_rng(0)))) ** 2
    octaves = [power[2**n : 2 ** (n + 1)].mean() for n in range(11, 16)]
    assert np.allclose(10 * np.diff(np.log10(octaves)), -3.0, atol=0.3)


def test_an_excerpt_has_the_length_asked_for():
    generator = np.random.default_rng(0)
    assert excerpt(np.arange(3.0), 7, generator).tolist() == [0, 1, 2, 0, 1, 2, 0]
    taken = excerpt(np.arange(100.0), 10, generator)
    assert np.diff(taken).tolist() == [1.0] * 9


def test_noise_files(tmp_path):
    wavfile.write(tmp_path / "good.wav", 16000, np.array([0, 16384, -32767], np.int16))
    wavfile.write(tmp_path / "fast.wav", 44100, np.zeros(5, np.int16))
    (tmp_path / "text.wav").write_text("no sound")
    assert np.allclose(read_noise(tmp_path / "good.wav"), [0, 0.5, -1], atol=1e-4)
    with pytest.raises(MmserError, match="noise at 16000 Hz, mono; found 44100 Hz, 1 channels"):
        read_noise(tmp_path / "fast.wav")
    with pytest.raises(MmserError, match=r"a wav file of noise; found .*text\.wav"):
        read_noise(tmp_path / "text.wav")

"""Noise signals and mixing at a given signal-to-noise ratio."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import MmserError


def white(samples: int, generator: np.random.Generator) -> np.ndarray:
    """(sample,) float32 Gaussian noise of unit power."""
    return generator.standard_normal(samples, dtype=np.float32)


def pink(samples: int, generator: np.random.Generator) -> np.ndarray:
    """(sample,) float32 noise whose power falls by 3 dB per octave; no constant part."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    frequency = np.arange(len(spectrum))
    spectrum[0] = 0.0
    spectrum[1:] /= np.sqrt(frequency[1:])
    return np.fft.irfft(spectrum, n=samples).astype(np.float32)


def mix_at_snr(signal: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    """``signal`` plus ``noise`` (sample,) scaled so that their power ratio is ``snr`` dB, float32.

    Where either is silent no ratio exists and the signal comes back as it is.
    """
    power = float(np.mean(np.square(signal, dtype=np.float64)))
    disturbance = float(np.mean(np.square(noise, dtype=np.float64)))
    if power == 0.0 or disturbance == 0.0:
        return signal.astype(np.float32)
    gain = np.sqrt(power / disturbance / 10.0 ** (snr / 10.0))
    return (signal + np.float32(gain) * noise).astype(np.float32)


def excerpt(recording: np.ndarray, samples: int, generator: np.random.Generator) -> np.ndarray:
    """A random stretch of (sample,) ``recording``, repeated where it is too short."""
    first = int(generator.integers(max(1, len(recording) - samples + 1)))
    return (
        np.resize(recording[first:], samples) if len(recording) else np.zeros(samples, np.float32)
    )


def read_noise(path: Path) -> np.ndarray:
    """(sample,) float32 of a 16 kHz mono wav file; raises MmserError for any other."""
    from scipy.io import wavfile

    try:
        rate, values = wavfile.read(path)
    except ValueError as error:
        raise MmserError(
            "a wav file of noise", f"{path}: {error}", "Remove or convert it."
        ) from error
    if rate != SAMPLE_RATE or values.ndim != 1:
        shape = f"{rate} Hz, {1 if values.ndim == 1 else values.shape[1]} channels in {path}"
        raise MmserError(f"noise at {SAMPLE_RATE} Hz, mono", shape, "Convert the file.")
    scale = float(np.iinfo(values.dtype).max) if np.issubdtype(values.dtype, np.integer) else 1.0
    return (values / scale).astype(np.float32)

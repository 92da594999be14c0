"""What a voice does every 10 ms: intensity, pitch, voicing, zero crossings, cepstrum. Stretches of
a contour.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import fft as scipy_fft

from mmser.core.clip import SAMPLE_RATE
from mmser.extractors.spectral.mel import cepstra, mel_filters
from mmser.extractors.spectral.short_time import framed, spectrum, window

RATE = 100
"""Frames per second."""
HOP = SAMPLE_RATE // RATE
WINDOW = 640
"""Samples, 40 ms: two periods of the lowest pitch."""
LOWEST_HZ, HIGHEST_HZ = 60, 500
VOICED = 0.5
"""Least normalised autocorrelation of a voiced frame."""
OCTAVE_COST = 0.03
COEFFICIENTS = 13


class Contours(NamedTuple):
    """(frame,) float32 each; ``intensity`` in dB of full scale, ``pitch`` in Hz (its best guess
    where not voiced).

    ``voicing`` is the normalised autocorrelation at the pitch period, ``crossings`` the share of
    samples at which the sign changes, ``cepstrum`` (frame, 13) the MFCC.
    """

    intensity: np.ndarray
    pitch: np.ndarray
    voicing: np.ndarray
    crossings: np.ndarray
    cepstrum: np.ndarray

    def cut(self, first: int, last: int) -> Contours:
        """The frames ``first`` to ``last``."""
        return Contours(*(contour[first:last] for contour in self))


def contours_of(waveform: np.ndarray) -> Contours:
    """(sample,) float32 at 16 kHz -> one frame per 10 ms, centred on multiples of 10 ms."""
    frames = framed(waveform, WINDOW, HOP, "zero")
    intensity = 10 * np.log10(np.square(frames, dtype=np.float32).mean(axis=1) + 1e-10)
    crossings = (np.diff(np.signbit(frames), axis=1)).mean(axis=1)
    pitch, voicing = _pitch(frames)
    magnitude = np.abs(spectrum(waveform, window("hamming", 400), HOP, 512, "zero"))
    filters = mel_filters(40, 257, SAMPLE_RATE, 0.0, 8000.0, "htk", "hertz", False)
    cepstrum = cepstra(
        np.log(np.square(magnitude) @ filters.T + 1e-10), COEFFICIENTS, "orthonormal", 0
    )
    parts = (intensity, pitch, voicing, crossings, cepstrum[: len(frames)])
    return Contours(*(part.astype(np.float32) for part in parts))


def _pitch(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in Hz and its normalised autocorrelation, of each of (frame, sample)."""
    taper = window("hann", WINDOW)
    size = 2 * WINDOW
    power = np.square(np.abs(scipy_fft.rfft(np.stack([taper]) * frames, n=size, axis=1)))
    correlation = scipy_fft.irfft(power, n=size, axis=1)
    tapered = scipy_fft.irfft(np.square(np.abs(scipy_fft.rfft(taper, n=size))), n=size)
    # Divided by the taper's own, the autocorrelation of a periodic sound is 1 at its period
    # (Boersma, 1993).
    normalised = correlation / (correlation[:, :1] + 1e-8) / (tapered / tapered[0])
    shortest, longest = SAMPLE_RATE // HIGHEST_HZ, min(SAMPLE_RATE // LOWEST_HZ, WINDOW // 2)
    lags = normalised[:, shortest : longest + 1]
    # Multiples of the period do as well as the period: the shorter wins by a little (Boersma's
    # octave cost).
    cost = OCTAVE_COST * np.log2(np.arange(shortest, longest + 1) / shortest)
    best = (lags - cost).argmax(axis=1)
    return SAMPLE_RATE / (best + shortest), lags[np.arange(len(lags)), best].clip(0.0, 1.0)


def stretches(flags: np.ndarray) -> list[tuple[int, int, bool]]:
    """(first, last + 1, value) of each run of equal flags (frame,) bool."""
    edges = [0, *(np.flatnonzero(np.diff(flags)) + 1).tolist(), len(flags)]
    return [(first, last, bool(flags[first])) for first, last in pairwise(edges) if last > first]


def without_short(flags: np.ndarray, value: bool, least: int) -> np.ndarray:
    """The flags with every run of ``value`` shorter than ``least`` frames turned round."""
    turned = flags.copy()
    for first, last, found in stretches(flags):
        if found == value and last - first < least:
            turned[first:last] = not value
    return turned

"""Short-time spectra: windows, frames, FFT. float32 throughout, no loop over frames."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import fft as scipy_fft

WindowShape = Literal["hamming", "hann", "povey", "rectangular"]
Padding = Literal["none", "zero", "reflect"]


def window(shape: WindowShape, length: int, periodic: bool = True) -> np.ndarray:
    """(length,) float32; ``povey`` is Kaldi's Hann window to the power 0.85."""
    if shape == "rectangular":
        return np.ones(length, dtype=np.float32)
    mean = 0.54 if shape == "hamming" else 0.5
    # A periodic window is the symmetric one of one sample more, without the last.
    points = length + 1 if periodic and length > 1 else length
    turn = np.linspace(-np.pi, np.pi, points)[:length]
    # The formula and its order are SciPy's, whose signal package takes a second to load.
    values = mean + (1.0 - mean) * np.cos(turn) if length > 1 else np.ones(length)
    return (values**0.85 if shape == "povey" else values).astype(np.float32)


def framed(waveform: np.ndarray, length: int, hop: int, padding: Padding) -> np.ndarray:
    """(sample,) -> (time, length), a read-only view.

    ``none``: frame t starts at sample ``t * hop``, a remainder is dropped, less than one window is
    padded with zeros to one. ``zero`` and ``reflect``: frame t is centred on sample ``t * hop``, 1
    + samples // hop frames.
    """
    half = length // 2
    if padding == "none":
        waveform = np.pad(waveform, (0, max(0, length - len(waveform))))
    elif padding == "zero":
        waveform = np.pad(waveform, (half, length - half))
    else:
        waveform = np.pad(waveform, (half, length - half), mode="reflect")
    count = 1 + (len(waveform) - length) // hop
    return np.lib.stride_tricks.sliding_window_view(waveform, length)[: (count - 1) * hop + 1 : hop]


def spectrum(
    waveform: np.ndarray, taper: np.ndarray, hop: int, fft: int, padding: Padding
) -> np.ndarray:
    """(sample,) -> (time, fft // 2 + 1) complex64."""
    frames = framed(waveform, len(taper), hop, padding)
    return scipy_fft.rfft(frames * taper, n=fft, axis=1)


def fft_length(window_length: int) -> int:
    """The next power of two that holds the window."""
    return 1 << (window_length - 1).bit_length()


def preemphasised(waveform: np.ndarray, factor: float) -> np.ndarray:
    """``y[n] = x[n] - factor * x[n - 1]``, the first sample against itself (Kaldi)."""
    if factor == 0:
        return waveform
    previous = np.concatenate([waveform[:1], waveform[:-1]])
    return (waveform - np.float32(factor) * previous).astype(np.float32)

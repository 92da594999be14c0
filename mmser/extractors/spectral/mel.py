"""Mel filters and logarithms in the dialects of the papers, and what is derived from them: cepstra,
differences.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

MelScale = Literal["htk", "slaney"]
Logarithm = Literal["natural", "log10", "decibel", "amplitude_decibel"]


def hertz_to_mel(hertz: np.ndarray, scale: MelScale) -> np.ndarray:
    """``htk``: 2595 log10(1 + f / 700). ``slaney``: linear to 1 kHz, logarithmic above (Auditory
    Toolbox).
    """
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hertz / 700.0)
    above = 15.0 + np.log(np.maximum(hertz, 1e-10) / 1000.0) * 27.0 / np.log(6.4)
    return np.where(hertz < 1000.0, hertz * 3.0 / 200.0, above)


def mel_to_hertz(mel: np.ndarray, scale: MelScale) -> np.ndarray:
    """The inverse of `hertz_to_mel`."""
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return np.where(
        mel < 15.0, mel * 200.0 / 3.0, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0)
    )


@lru_cache(maxsize=32)
def mel_filters(
    bands: int,
    bins: int,
    sample_rate: int,
    low_hz: float,
    high_hz: float,
    scale: MelScale,
    triangles: str,
    area: bool,
) -> np.ndarray:
    """(band, bin) float32 triangles, evenly spaced in mel between the two edges.

    ``triangles`` says on which axis the slopes are straight (hertz: librosa, torchaudio; mel:
    TensorFlow, Kaldi); ``area`` divides each by half its width in Hz, so that all have area 1
    (Slaney).
    """
    frequencies = np.linspace(0.0, sample_rate / 2, bins)
    low, high = hertz_to_mel(np.array([low_hz, high_hz]), scale)
    corners_mel = np.linspace(low, high, bands + 2)
    corners_hertz = mel_to_hertz(corners_mel, scale)
    corners, axis = (
        (corners_hertz, frequencies)
        if triangles == "hertz"
        else (corners_mel, hertz_to_mel(frequencies, scale))
    )
    rising = (axis - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - axis) / np.diff(corners)[1:, None]
    filters = np.clip(np.minimum(rising, falling), 0.0, None)
    if area:
        filters *= (2.0 / (corners_hertz[2:] - corners_hertz[:-2]))[:, None]
    return filters.astype(np.float32)


def logarithm(
    energy: np.ndarray,
    kind: Logarithm,
    floor: float,
    offset: float = 0.0,
    top_db: float | None = None,
) -> np.ndarray:
    """``log(max(energy, floor) + offset)``, then at most ``top_db`` below the largest value of the
    array.

    decibel is 10 log10, amplitude_decibel 20 log10 of whatever ``energy`` is.
    """
    values = np.maximum(energy, np.float32(floor)) + np.float32(offset)
    factor = {"log10": 1.0, "decibel": 10.0, "amplitude_decibel": 20.0}
    result = np.log(values) if kind == "natural" else np.float32(factor[kind]) * np.log10(values)
    if top_db is not None:
        result = np.maximum(result, result.max() - np.float32(top_db))
    return result.astype(np.float32)


def cepstra(
    log_mel: np.ndarray, coefficients: int, scaling: Literal["orthonormal", "htk"], lifter: int
) -> np.ndarray:
    """(time, band) -> (time, coefficient): DCT-II; ``htk`` scales coefficient 0 like the others,
    sqrt(2 / band).

    ``lifter`` L multiplies coefficient n by ``1 + L / 2 sin(pi n / L)``; 0 is none.
    """
    # Here, because openSMILE's sets read this file and transform nothing.
    from scipy import fft as scipy_fft

    values = scipy_fft.dct(log_mel, type=2, norm="ortho", axis=1)[:, :coefficients]
    if scaling == "htk":
        values[:, 0] *= np.float32(np.sqrt(2.0))
    if lifter:
        order = np.arange(values.shape[1])
        values = values * (1.0 + lifter / 2 * np.sin(np.pi * order / lifter)).astype(np.float32)
    return values.astype(np.float32)


def differences(values: np.ndarray, width: int) -> np.ndarray:
    """(time, feature) -> same: regression slope over ``2 * width + 1`` frames, edge frames repeated
    (HTK).
    """
    padded = np.pad(values, ((width, width), (0, 0)), mode="edge")
    time = len(values)
    steps = range(1, width + 1)
    slope = sum(
        n * (padded[width + n : width + n + time] - padded[width - n : width - n + time])
        for n in steps
    )
    return (slope / (2.0 * sum(n * n for n in steps))).astype(np.float32)


def with_differences(values: np.ndarray, order: int, width: int) -> np.ndarray:
    """(time, feature) -> (time, (order + 1) * feature): the values, their slopes, the slopes of
    those.
    """
    blocks = [values]
    for _ in range(order):
        blocks.append(differences(blocks[-1], width))
    return np.concatenate(blocks, axis=1)


def standardised(values: np.ndarray, how: Literal["none", "mean", "zscore"]) -> np.ndarray:
    """Each column over the time of one clip: mean 0, and with ``zscore`` variance 1 (a constant
    column is 0).
    """
    if how == "none":
        return values
    centre = values - values.mean(axis=0, keepdims=True)
    if how == "mean":
        return centre
    return centre / np.maximum(values.std(axis=0, keepdims=True), np.float32(1e-5))

"""The level and the length of a waveform, before anything is measured on it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mmser.core.clip import SAMPLE_RATE

Level = Literal["none", "peak", "rms", "zscore", "percentile"]
ROW_LEVELS: tuple[Level, ...] = ("none", "zscore")
"""Those that `mmser.extractors.networks.row_levels` sets for a whole batch."""
LevelOf = Literal["whole", "cut"]
RMS = 0.1
"""The root mean square that ``level="rms"`` brings a waveform to (-20 dB of full scale)."""


def levelled(waveform: np.ndarray, level: Level) -> np.ndarray:
    """(sample,) -> (sample,) float32; a silent waveform stays silent.

    peak: largest magnitude 1. rms: root mean square `RMS`. zscore: mean 0, variance 1. percentile:
    divided by the 99.9th percentile of the magnitude and clipped to [-1, 1] (LIGHT-SERNET).
    """
    if level == "none":
        return waveform
    if level == "zscore":
        centred = waveform - waveform.mean(dtype=np.float64).astype(np.float32)
        return (centred / np.sqrt(centred.var(dtype=np.float64) + 1e-7)).astype(np.float32)
    scale = {
        "peak": lambda: np.abs(waveform).max(),
        "rms": lambda: np.sqrt(np.mean(np.square(waveform, dtype=np.float64))) / RMS,
        "percentile": lambda: np.percentile(np.abs(waveform), 99.9),
    }[level]()
    if scale <= 0:
        return waveform
    scaled = (waveform / scale).astype(np.float32)
    return np.clip(scaled, -1.0, 1.0) if level == "percentile" else scaled


def levelled_before(waveform: np.ndarray, level: Level) -> np.ndarray:
    """`levelled`, but at one of `ROW_LEVELS`, which are set where the network runs."""
    return waveform if level in ROW_LEVELS else levelled(waveform, level)


def prepared(
    waveform: np.ndarray,
    level: Level,
    level_of: LevelOf,
    seconds: float | None,
    sample_rate: int = SAMPLE_RATE,
) -> np.ndarray:
    """`centred` at the level of the ``whole`` waveform, or of what its ``cut`` to ``seconds``
    leaves, without zeros.
    """
    measured = waveform if level_of == "whole" else cut(waveform, seconds, sample_rate)
    return centred(levelled(measured, level), seconds, sample_rate)


def cut(waveform: np.ndarray, seconds: float | None, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """The middle ``seconds`` of a longer waveform; a shorter one stays as it is."""
    surplus = 0 if seconds is None else len(waveform) - round(seconds * sample_rate)
    return (
        waveform[surplus // 2 : len(waveform) - (surplus - surplus // 2)]
        if surplus > 0
        else waveform
    )


def centred(
    waveform: np.ndarray, seconds: float | None, sample_rate: int = SAMPLE_RATE
) -> np.ndarray:
    """The middle ``seconds`` of a longer waveform; a shorter one gets half of the zeros on each
    side.
    """
    middle = cut(waveform, seconds, sample_rate)
    lacking = 0 if seconds is None else round(seconds * sample_rate) - len(middle)
    return np.pad(middle, (lacking // 2, lacking - lacking // 2)) if lacking > 0 else middle

"""When a waveform counts as silent, and where it pauses."""

from __future__ import annotations

import numpy as np

from mmser.core.clip import SAMPLE_RATE

SILENCE_PEAK = 1e-3
"""A waveform that never exceeds this amplitude (-60 dB of full scale) is silence."""


def is_silent(waveform: np.ndarray) -> bool:
    """Whether nothing can be heard in ``waveform`` (sample,), which may be empty."""
    return waveform.size == 0 or float(np.abs(waveform).max()) < SILENCE_PEAK


PAUSE_SECONDS = 0.15
"""A shorter break is part of speech: the closure of a p, t or k lasts up to a tenth of a second."""
BELOW_PEAK = 30.0
"""dB under the loudest frame; what is louder is no pause."""
_HOP, _FRAME = SAMPLE_RATE // 100, SAMPLE_RATE // 40
_FLOOR = 1e-6
"""Amplitude that stands for digital zero (-120 dB)."""


def sounding(waveform: np.ndarray) -> np.ndarray:
    """(stretch, 2) seconds between the pauses of ``waveform`` (sample,), in order.

    A frame of 25 ms is quiet when its level is in the lowest quarter of the range (dB) between the
    background (the tenth part of the frames that is quietest) and the loudest frame, and 30 dB
    below the latter. Where the background is louder than that nothing counts as a pause.
    """
    if is_silent(waveform):
        return np.zeros((0, 2))
    level = _levels(waveform)
    background, peak = np.percentile(level, 10), level.max()
    quiet = level < min(background + (peak - background) / 4, peak - BELOW_PEAK)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~quiet, [False]]).astype(np.int8)))
    loud = edges.reshape(-1, 2) * (_HOP / SAMPLE_RATE)
    loud[-1, 1] = min(loud[-1, 1], len(waveform) / SAMPLE_RATE)
    breaks = loud[1:, 0] - loud[:-1, 1]
    is_first = np.concatenate([[True], breaks >= PAUSE_SECONDS])
    is_last = np.concatenate([is_first[1:], [True]])
    return np.stack([loud[is_first, 0], loud[is_last, 1]], axis=1)


def _levels(waveform: np.ndarray) -> np.ndarray:
    """Level (dB) every 10 ms, of the frame of 25 ms around it."""
    half = _FRAME // 2
    # float64: the running sum of a long recording outgrows float32.
    squares = np.concatenate([[0.0], np.cumsum(np.square(waveform, dtype=np.float64))])
    middles = np.arange(_HOP // 2, max(len(waveform), _HOP // 2 + 1), _HOP)
    starts, ends = (middles - half).clip(0), (middles + half).clip(max=len(waveform))
    power = (squares[ends] - squares[starts]) / np.maximum(ends - starts, 1)
    levels: np.ndarray = 10 * np.log10(np.maximum(power, _FLOOR**2))
    return levels

"""Recordings that are nearly the same: at another level, encoded again, or slightly cut.

A waveform becomes a coarse spectrogram, 24 parts of its length by 8 bands, relative to its own
mean: what the level or a codec changes is small there, and another reading of the same sentence is
far away.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmser.core.clip import SAMPLE_RATE

PARTS, BANDS = 24, 8
SIZE = PARTS * BANDS
LIKE = 0.997
"""Cosine from which two recordings count as nearly the same."""
LENGTH = 0.02
"""By how much of the shorter one their lengths may differ."""
_FRAME, _HOP = 512, 320
_BLOCK = 256
"""Frames of a transform at a time: a long recording takes no more memory than a short one."""
_ROWS, _NEIGHBOURS = 256, 4096
"""Recordings compared at a time."""
_RANGE = 60.0
"""dB below the loudest cell in which cells are told apart."""


def likeness(waveform: np.ndarray) -> np.ndarray:
    """(SIZE,) float32 of unit length, of a waveform (sample,); zeros where nothing changes."""
    power = np.zeros((PARTS, BANDS))
    padded = np.pad(waveform, (0, max(_FRAME - len(waveform), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    part_of = np.arange(len(frames)) * PARTS // len(frames)
    window = np.hanning(_FRAME).astype(np.float32)
    for first in range(0, len(frames), _BLOCK):
        block = frames[first : first + _BLOCK] * window
        bins = np.abs(np.fft.rfft(block, axis=1)) ** 2
        bands = np.add.reduceat(bins, _EDGES, axis=1)
        np.add.at(power, part_of[first : first + _BLOCK], bands)
    power /= np.maximum(np.bincount(part_of, minlength=PARTS), 1)[:, None]
    if power.max() <= 0:
        return np.zeros(SIZE, dtype=np.float32)
    level = 10 * np.log10(np.maximum(power / power.max(), 10 ** (-_RANGE / 10))).reshape(-1)
    level -= level.mean()
    length = np.linalg.norm(level)
    unit: np.ndarray = (level / length if length else level).astype(np.float32)
    return unit


_HERTZ = np.geomspace(100, SAMPLE_RATE / 2, BANDS + 1)[:-1]
_EDGES = np.round(_HERTZ * _FRAME / SAMPLE_RATE).astype(int)


def like_pairs(prints: np.ndarray, seconds: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """(row, row, cosine) of recordings that are nearly the same; ``prints`` is (row, SIZE).

    Only those of like length are compared, a block of rows with their neighbours in length at a
    time. A row whose length is not known is like nothing.
    """
    order = np.argsort(seconds, kind="stable")
    order = order[np.isfinite(seconds[order])]
    lengths, by_length = seconds[order], prints[order]
    ends = np.searchsorted(lengths, lengths * (1 + LENGTH), side="right")
    for first in range(0, len(order), _ROWS):
        last = min(first + _ROWS, len(order))
        for left in range(first, int(ends[last - 1]), _NEIGHBOURS):
            others = by_length[left : min(left + _NEIGHBOURS, int(ends[last - 1]))]
            cosines = by_length[first:last] @ others.T
            for row, column in np.argwhere(cosines >= LIKE).tolist():
                place, other = first + row, left + column
                if place < other < ends[place]:
                    pair = sorted((int(order[place]), int(order[other])))
                    yield pair[0], pair[1], float(cosines[row, column])

"""Disturbed pictures: each function maps frames (time, height, width, 3) uint8 to such frames."""

from __future__ import annotations

import numpy as np

from mmser.core.errors import UsageError

GREY = 127


def blur(frames: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of every picture.

    ``sigma`` is in percent of the shorter side, so that the picture's size does not matter.
    """
    from scipy.ndimage import gaussian_filter1d

    pixels = sigma / 100.0 * min(frames.shape[1:3])
    once = gaussian_filter1d(frames.astype(np.float32), pixels, axis=1)
    return np.clip(np.round(gaussian_filter1d(once, pixels, axis=2)), 0, 255).astype(np.uint8)


def occlude(frames: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """A grey rectangle of the picture's proportions over ``share`` of its area.

    It lies at one random place for the whole utterance. The place is drawn so that the middle half
    of the picture, where faces are, is hit.
    """
    if not 0 <= share <= 1:
        raise UsageError("a share of the picture in [0, 1]", f"{share}", "Correct it.")
    height, width = frames.shape[1:3]
    tall, wide = (round(side * np.sqrt(share)) for side in (height, width))
    top, left = (
        int(np.clip(round(side * (0.25 + 0.5 * generator.random()) - size / 2), 0, side - size))
        for side, size in ((height, tall), (width, wide))
    )
    covered = frames.copy()
    covered[:, top : top + tall, left : left + wide] = GREY
    return covered


def slow_down(frames: np.ndarray, frame_rate: float, rate: float) -> np.ndarray:
    """Pictures arrive at ``rate`` Hz only: each stays until the next, so their number stays."""
    if rate <= 0:
        raise UsageError("a picture rate above 0 Hz", f"{rate}", "Correct it.")
    times = np.arange(len(frames)) / frame_rate
    shown = np.floor(np.floor(times * rate + 1e-6) / rate * frame_rate + 1e-6).astype(np.int64)
    return frames[shown]


def lose(frames: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Each picture but the first is lost with probability ``share``.

    The last one that arrived is repeated in its place.
    """
    if not 0 <= share <= 1:
        raise UsageError("a share of lost pictures in [0, 1]", f"{share}", "Correct it.")
    arrived = generator.random(len(frames)) >= share
    arrived[0] = True
    return frames[np.maximum.accumulate(np.where(arrived, np.arange(len(frames)), 0))]


def delay(frames: np.ndarray, frame_rate: float, seconds: float) -> np.ndarray:
    """Pictures come ``seconds`` after their sound (before it if negative).

    The first or the last one fills the gap.
    """
    shifted = np.arange(len(frames)) - round(seconds * frame_rate)
    return frames[np.clip(shifted, 0, len(frames) - 1)]

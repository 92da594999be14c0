"""Context windows within one recording, and linear models over them without building them.

An edge frame stands in for frames before the start and after the end; no other recording is ever
touched.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Form = Literal["distinct", "released"]


def offsets(context: int, form: Form = "distinct") -> np.ndarray:
    """(1 + 2 context,) frame offsets of a window.

    ``distinct``: -context..context. ``released``, as in the authors' script: 0, then
    0..-(context-1), then 0..context-1, so that the frame itself stands there three times.
    """
    if form == "released":
        return np.concatenate([[0], -np.arange(context), np.arange(context)]).astype(np.int64)
    return np.arange(-context, context + 1)


def windows(channels: np.ndarray, shifts: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """channels (frame, channel) -> (row, offset * channel): the window of each of ``rows``.

    Without ``rows``, of all frames.
    """
    frames = np.arange(len(channels)) if rows is None else rows
    index = (frames[:, None] + shifts).clip(0, len(channels) - 1)
    return channels[index].reshape(len(frames), -1)


def filtered(channels: np.ndarray, shifts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(frame, channel), weights (offset * channel + 1, output) -> (frame, output).

    It is windows @ weights plus the bias. One small product per offset instead of a window matrix
    in memory.
    """
    length, reach = len(channels), int(np.abs(shifts).max(initial=0))
    padded = np.pad(channels, ((reach, reach), (0, 0)), mode="edge")
    kernels = weights[:-1].reshape(len(shifts), channels.shape[1], -1)
    result = np.repeat(weights[-1:], length, axis=0)
    for shift, kernel in zip(shifts, kernels, strict=True):
        result += padded[reach + shift : reach + shift + length] @ kernel
    return result

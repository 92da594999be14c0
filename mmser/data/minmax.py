"""Each coefficient from the training fold's range to [0, 1]; elsewhere it may leave that range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mmser.core.errors import MmserError


@dataclass(frozen=True, slots=True, eq=False)
class MinMaxScaler:
    """``lowest`` and ``highest`` of the training fold, (*feature) float32 each."""

    lowest: np.ndarray
    highest: np.ndarray

    def __call__(self, frames: np.ndarray, speaker: str) -> np.ndarray:
        """(time, *feature) -> (time, *feature) float32; a constant coefficient is only shifted."""
        span = self.highest - self.lowest
        shifted = np.subtract(frames, self.lowest, dtype=np.float32)
        return np.divide(shifted, np.where(span > 0, span, np.float32(1.0)), out=shifted)


def fit_range(arrays: Iterable[np.ndarray]) -> MinMaxScaler:
    """The range of all frames of ``arrays``, (time, *feature) each; raises MmserError for none."""
    lowest = highest = None
    for frames in arrays:
        if len(frames):
            low, high = frames.min(axis=0), frames.max(axis=0)
            lowest = low if lowest is None else np.minimum(lowest, low)
            highest = high if highest is None else np.maximum(highest, high)
    if lowest is None or highest is None:
        raise MmserError(
            "at least one frame to fit a scaler on",
            "none",
            "Check the failure ledger of the store.",
        )
    return MinMaxScaler(np.asarray(lowest, dtype=np.float32), np.asarray(highest, dtype=np.float32))

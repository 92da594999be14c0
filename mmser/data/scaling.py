"""z-score per coefficient: streaming moments in float64, applied in float32.

``Scaler`` holds one mean and deviation for the whole training fold, ``SpeakerScaler`` one per
speaker.

Speaker normalisation needs no label: a speaker who is in the training fold is scaled by their
training utterances, any other (validation, test) by all of their own utterances. The latter is
transductive: it assumes that a few recordings of a new speaker are at hand before the first is
judged. Reports should say so. Normalisation per gender or per corpus (domain adaptation) is the
same with one scale for all speakers of the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from mmser.core.errors import MmserError

SMALLEST_DEVIATION = 1e-8
"""A coefficient that never moves is only centred."""


@dataclass(slots=True)
class Moments:
    """Count, mean and sum of squared deviations (*feature), merged chunk by chunk.

    Chan, Golub, LeVeque 1979.
    """

    count: int = 0
    mean: np.ndarray | float = 0.0
    squares: np.ndarray | float = 0.0

    def add(self, frames: np.ndarray) -> None:
        """Take in ``frames`` (time, *feature)."""
        if not len(frames):
            return
        chunk = as_float32(frames).astype(np.float64)
        mean = chunk.mean(axis=0)
        squares = np.square(chunk - mean).sum(axis=0)
        total = self.count + len(chunk)
        delta = mean - self.mean
        self.squares = self.squares + squares + np.square(delta) * (self.count * len(chunk) / total)
        self.mean = self.mean + delta * (len(chunk) / total)
        self.count = total

    def scale(self) -> Scale:
        """Mean and population deviation (*feature), float32; raises MmserError without frames."""
        if not self.count:
            raise MmserError(
                "at least one frame to fit a scaler on",
                "none",
                "Check the failure ledger of the store.",
            )
        deviation = np.sqrt(np.asarray(self.squares) / self.count)
        deviation = np.where(deviation < SMALLEST_DEVIATION, 1.0, deviation)
        return Scale(np.asarray(self.mean, dtype=np.float32), deviation.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """``mean`` and ``deviation``, (*feature) float32 each."""

    mean: np.ndarray
    deviation: np.ndarray

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """(time, *feature) -> (time, *feature) float32."""
        centred = np.subtract(frames, self.mean, dtype=np.float32)
        return np.divide(centred, self.deviation, out=centred)


def as_float32(values: np.ndarray) -> np.ndarray:
    """``values`` in float32; torch converts float16 ten times faster than NumPy."""
    if values.dtype != np.float16:
        return values.astype(np.float32, copy=False)
    # Copied first: caches hand out read-only views, which torch may not wrap.
    return torch.from_numpy(values.copy()).float().numpy()


def fit_scale(arrays: Iterable[np.ndarray]) -> Scale:
    """The Scale of all frames of ``arrays``, each (time, *feature)."""
    moments = Moments()
    for frames in arrays:
        moments.add(frames)
    return moments.scale()


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """One scale for every speaker."""

    scale: Scale

    def __call__(self, frames: np.ndarray, speaker: str) -> np.ndarray:
        return self.scale(frames)


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerScaler:
    """One scale per speaker name."""

    scales: Mapping[str, Scale]

    def __call__(self, frames: np.ndarray, speaker: str) -> np.ndarray:
        if speaker not in self.scales:
            raise MmserError(
                f"per-speaker statistics of '{speaker}'",
                f"those of {len(self.scales)} other speakers",
                "Fit them on recordings of this speaker with mmser.data.scaling.fit_scale.",
            )
        return self.scales[speaker](frames)

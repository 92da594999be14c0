"""One utterance before padding: a `Track` per stream, its targets, its place in a dialogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One stream of one utterance.

    ``values`` is (time, *feature). Step t covers ``[t, t + 1] / frame_rate`` seconds after
    ``start``, or ``spans[t]`` = (start, end) seconds; a track without word times has neither.
    ``mask`` (time,) bool marks real steps, None when all are real.
    """

    values: np.ndarray
    frame_rate: float | None = None
    spans: np.ndarray | None = None
    mask: np.ndarray | None = None
    start: float = 0.0

    def __len__(self) -> int:
        return len(self.values)

    def times(self) -> np.ndarray | None:
        """(time, 2) float64 start and end seconds of every step, None when unknown."""
        if self.spans is not None:
            return self.spans.astype(np.float64, copy=False)
        if self.frame_rate is None:
            return None
        edges = self.start + np.arange(len(self.values) + 1) / self.frame_rate
        return np.stack([edges[:-1], edges[1:]], axis=1)

    def cut(self, first: int, count: int) -> Track:
        """Steps ``first`` to ``first + count``, keeping their times."""
        steps = slice(first, first + count)
        spans = None if self.spans is None else self.spans[steps]
        mask = None if self.mask is None else self.mask[steps]
        # Without a rate the spans alone carry the times.
        moved = first / self.frame_rate if self.frame_rate else 0.0
        return Track(self.values[steps], self.frame_rate, spans, mask, self.start + moved)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What the dataset yields and augmentation changes; an absent stream is None.

    ``targets`` are scalars or (class,) / (value,) arrays; ``dialogue``, ``turn``, ``speaker`` fill
    the Context. ``duration`` is in seconds where the manifest or a track knows it.
    """

    id: str
    streams: dict[str, Track | None]
    targets: dict[str, Any]
    dialogue: int = 0
    turn: int = 0
    speaker: int = 0
    duration: float | None = None

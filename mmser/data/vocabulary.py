"""Word hashes -> indices of the training fold's vocabulary: 0 padding, 1 unknown, then known words
by hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

PADDING = 0
UNKNOWN = 1
FIRST = 2


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """``known`` (word,) int64 hashes in ascending order; word i has index ``FIRST + i``."""

    known: np.ndarray

    def __len__(self) -> int:
        """The number of indices, padding and unknown included: the size of an embedding table."""
        return len(self.known) + FIRST

    def __call__(self, hashes: np.ndarray, speaker: str = "") -> np.ndarray:
        """(time,) hashes -> (time,) int64 indices."""
        if not len(self.known):
            return np.full(len(hashes), UNKNOWN, np.int64)
        place = np.searchsorted(self.known, hashes).clip(max=len(self.known) - 1)
        return np.where(self.known[place] == hashes, place + FIRST, UNKNOWN).astype(np.int64)


def fit_vocabulary(arrays: Iterable[np.ndarray], min_count: int = 1) -> Vocabulary:
    """The words that occur at least ``min_count`` times in ``arrays``, (time,) int64
    hashes each.
    """
    everything = [np.asarray(hashes, np.int64) for hashes in arrays]
    words, counts = np.unique(
        np.concatenate(everything or [np.empty(0, np.int64)]), return_counts=True
    )
    return Vocabulary(words[counts >= min_count])

"""Word hashes -> indices of the training fold's vocabulary.

0 is padding, 1 an unknown word; the words of the training fold follow by their hashes.
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
    """``hashes`` (word,) int64 in ascending order; word i has index ``FIRST + i``."""

    hashes: np.ndarray

    def __len__(self) -> int:
        """The number of indices, padding and unknown included: the size of an embedding table."""
        return len(self.hashes) + FIRST

    def __call__(self, words: np.ndarray, speaker: str = "") -> np.ndarray:
        """(time,) hashes of words -> (time,) int64 indices."""
        if not len(self.hashes):
            return np.full(len(words), UNKNOWN, np.int64)
        place = np.searchsorted(self.hashes, words).clip(max=len(self.hashes) - 1)
        return np.where(self.hashes[place] == words, place + FIRST, UNKNOWN).astype(np.int64)


def fit_vocabulary(arrays: Iterable[np.ndarray], min_count: int = 1) -> Vocabulary:
    """The words that occur at least ``min_count`` times in ``arrays``, (time,) int64 each."""
    everything = [np.asarray(hashes, np.int64) for hashes in arrays]
    words, counts = np.unique(
        np.concatenate(everything or [np.empty(0, np.int64)]), return_counts=True
    )
    return Vocabulary(words[counts >= min_count])

"""How far each utterance's features lie from those of any other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmser.cache.feature_store import FeatureStore

NEIGHBOUR = 5
"""The distance is that to the fifth nearest: a few recordings of one oddness are still odd."""
_ROWS = 256
"""Utterances compared at a time."""


def vectors_of(store: FeatureStore, ids: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Those of the ids that the store has, and (id, feature) means over time, each standardised."""
    known = [key for key in ids if key in store]
    means = [store.read(key).mean(axis=0, dtype=np.float64).reshape(-1) for key in known]
    if not means:
        return [], np.zeros((0, 0), dtype=np.float32)
    vectors = np.stack(means)
    spread = vectors.std(axis=0)
    spread[spread == 0] = 1
    return known, ((vectors - vectors.mean(axis=0)) / spread).astype(np.float32)


def distances(vectors: np.ndarray) -> np.ndarray:
    """(row,) Euclidean distance to the `NEIGHBOUR`-th nearest other row; NaN with fewer rows."""
    far = np.full(len(vectors), np.nan)
    if len(vectors) <= NEIGHBOUR:
        return far
    squares = np.square(vectors).sum(axis=1)
    for first in range(0, len(vectors), _ROWS):
        block = vectors[first : first + _ROWS]
        between = squares[first : first + _ROWS, None] + squares - 2 * block @ vectors.T
        # A row's nearest is itself.
        nearest = np.partition(between, NEIGHBOUR, axis=1)[:, NEIGHBOUR]
        far[first : first + _ROWS] = np.sqrt(np.maximum(nearest, 0))
    return far

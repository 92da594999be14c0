"""Samples that were read stay in memory, as far as a limit of bytes goes.

Most corpora's features fit: from the second epoch on nothing is read, scaled or cut again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mmser.data.sample import Sample, Track

OBJECTS = 2048
"""Bytes of a sample beside its arrays: the objects that hold them."""

MEMORY_LIMIT = 512 * 2**20
"""Bytes of one split, divided among the loader's worker processes."""


class SampleMemory:
    """Row -> Sample, read once while there is room. Nothing is ever dropped: what finds no room is
    read anew each time, so that an epoch over a large corpus does not push out its own samples.
    """

    def __init__(self, read: Callable[[int], Sample], limit: int = MEMORY_LIMIT) -> None:
        self._read, self._room = read, limit
        self._samples: dict[int, Sample] = {}

    def __call__(self, row: int) -> Sample:
        """The sample of ``row``; whoever gets it must not change its arrays."""
        sample = self._samples.get(row)
        if sample is None:
            sample = self._read(row)
            size = _bytes(sample)
            if size <= self._room:
                self._room -= size
                self._samples[row] = sample
        return sample


def _bytes(sample: Sample) -> int:
    tracks = [track for track in sample.streams.values() if track is not None]
    return OBJECTS + sum(map(_track_bytes, tracks))


def _track_bytes(track: Track) -> int:
    arrays = (track.values, track.spans, track.mask)
    return sum(_held_bytes(array) for array in arrays if array is not None)


def _held_bytes(array: np.ndarray) -> int:
    """What an array keeps alive: a view holds the whole array that it looks into."""
    return array.nbytes if array.base is None else max(array.nbytes, array.base.nbytes)

"""Changes of test batches that take streams away: whole subsets, or at random per utterance."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import torch

from mmser.core.batch import Batch, Stream


def subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Every non-empty subset, the whole first, each in the order of ``names``."""
    sizes = range(len(names), 0, -1)
    return list(chain.from_iterable(combinations(names, size) for size in sizes))


class Keep:
    """Only ``streams`` stay; every other one becomes absent (its mask all False)."""

    def __init__(self, streams: Iterable[str]) -> None:
        self.streams = frozenset(streams)

    def __call__(self, batch: Batch) -> Batch:
        lost = {
            name: torch.ones(len(batch.ids), dtype=torch.bool)
            for name in batch.streams
            if name not in self.streams
        }
        return _without(batch, lost)


class RandomAbsence:
    """Each modality of each utterance is absent with probability ``rate``, save one.

    One of those that were there always stays. ``groups`` maps a modality to its streams. What
    happens to an utterance depends on (seed, draw, id) alone, and what is absent at one rate is
    absent at every higher one, so that curves over rates compare like with like. Because one
    modality always stays the rate achieved is lower than the one asked for.
    """

    def __init__(
        self, groups: Mapping[str, Sequence[str]], rate: float, draw: int = 0, seed: int = 0
    ) -> None:
        self.groups = {name: tuple(streams) for name, streams in groups.items()}
        self.rate, self.draw, self.seed = rate, draw, seed

    def __call__(self, batch: Batch) -> Batch:
        lost = {name: torch.zeros(len(batch.ids), dtype=torch.bool) for name in batch.streams}
        # A modality is there where any of its streams is.
        there: dict[str, list[bool]] = {}
        for modality, streams in self.groups.items():
            flags = torch.stack([batch.streams[stream].present for stream in streams])
            there[modality] = flags.any(dim=0).tolist()
        for row, identifier in enumerate(batch.ids):
            present = [modality for modality, flags in there.items() if flags[row]]
            for name in self._dropped(identifier, present):
                for stream in self.groups[name]:
                    lost[stream][row] = True
        return _without(batch, lost)

    def _dropped(self, identifier: str, present: Sequence[str]) -> list[str]:
        """The modality with the largest draw of those present never goes."""
        generator = np.random.default_rng([self.seed, self.draw, zlib.crc32(identifier.encode())])
        draws = dict(zip(self.groups, generator.random(len(self.groups)), strict=True))
        order = sorted(present, key=lambda name: draws[name])
        return [name for name in order[:-1] if draws[name] < self.rate]


def _without(batch: Batch, lost: Mapping[str, torch.Tensor]) -> Batch:
    """The batch without the streams' rows marked in ``lost`` (row,) bool."""
    streams = {
        name: Stream(stream.values, stream.mask & ~lost[name][:, None]) if name in lost else stream
        for name, stream in batch.streams.items()
    }
    return replace(batch, streams=streams)

"""Samples -> Batch: padded to the longest of the batch, never to a maximum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmser.core.batch import Batch, Context, Stream
from mmser.data.sample import Sample, Track


@dataclass(frozen=True, slots=True)
class Shape:
    """What one step of a stream looks like: its feature shape, and if it holds whole numbers."""

    feature: tuple[int, ...]
    whole: bool = False

    @property
    def dtype(self) -> torch.dtype:
        return torch.long if self.whole else torch.float32


@dataclass(frozen=True, slots=True)
class Collate:
    """Callable for the data loader; ``shapes`` names every stream, so that none is left out.

    Padded positions hold zeros. An absent modality is a row of False; time is at least 1.
    ``aligned`` streams share one time axis, so all are padded to the longest of any stream.
    ``traces`` names those that hold labels over time.
    """

    shapes: Mapping[str, Shape]
    aligned: bool = False
    traces: frozenset[str] = frozenset()

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        padded = self.streams(samples)
        streams = {name: each for name, each in padded.items() if name not in self.traces}
        traces = {name: each for name, each in padded.items() if name in self.traces}
        context = Context(
            dialogue=torch.tensor([sample.dialogue for sample in samples], dtype=torch.long),
            turn=torch.tensor([sample.turn for sample in samples], dtype=torch.long),
            speaker=torch.tensor([sample.speaker for sample in samples], dtype=torch.long),
        )
        targets = {name: _stacked(samples, name) for name in samples[0].targets}
        ids = tuple(sample.id for sample in samples)
        return Batch(ids, streams, context, targets, traces=traces)

    def streams(self, samples: Sequence[Sample]) -> dict[str, Stream]:
        """Every stream of the samples by name, padded; those of labels over time, too."""
        tracks: dict[str, list[Track | None]] = {}
        for name in self.shapes:
            tracks[name] = [sample.streams.get(name) for sample in samples]
        least = max(map(_longest, tracks.values())) if self.aligned else 1
        return {name: pad(tracks[name], shape, least) for name, shape in self.shapes.items()}


def pad(tracks: Sequence[Track | None], shape: Shape, least: int = 1) -> Stream:
    """Tracks (time, *feature) of different lengths -> Stream (batch, time, *feature) with its mask.

    Time is the longest track's, and no less than ``least``.
    """
    longest = max(least, _longest(tracks))
    whole = [track for track in tracks if track is not None and len(track) == longest]
    if len(whole) == len(tracks) and all(track.mask is None for track in whole):
        # Nothing to pad, as with one vector an utterance.
        stacked = torch.from_numpy(np.stack([track.values for track in whole]))
        return Stream(stacked.to(shape.dtype), torch.ones(len(tracks), longest, dtype=torch.bool))
    # Each place is written once: empty memory, then a row's steps and the zeros behind them.
    values = torch.empty(len(tracks), longest, *shape.feature, dtype=shape.dtype)
    mask = torch.zeros(len(tracks), longest, dtype=torch.bool)
    for row, track in enumerate(tracks):
        steps = 0 if track is None else len(track)
        values[row, steps:] = 0
        if track is not None:
            # By NumPy: a cache hands out read-only views, of which torch would warn.
            values[row, :steps].numpy()[:] = track.values
            mask[row, :steps] = True if track.mask is None else torch.from_numpy(track.mask)
    return Stream(values, mask)


def _longest(tracks: Sequence[Track | None]) -> int:
    return max((len(track) for track in tracks if track is not None), default=0)


def _stacked(samples: Sequence[Sample], target: str) -> Tensor:
    return torch.from_numpy(np.stack([sample.targets[target] for sample in samples]))

"""Modality dropout: whole streams of a training utterance go missing.

So a model learns to do without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from mmser.data.checks import check_probability
from mmser.data.dataset import Samples
from mmser.data.sample import Sample


class ModalityDropout:
    """Drop each of ``streams`` (None: all) with ``probability``; never the last that is present."""

    after_limit: ClassVar[bool] = False

    def __init__(self, probability: float = 0.2, streams: Sequence[str] | None = None) -> None:
        self.probability = check_probability(probability)
        self.streams = None if streams is None else tuple(streams)

    def __call__(
        self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples
    ) -> Sample:
        # One draw per stream, present or not: what happens to one never depends on another being
        # there.
        draws = dict(zip(sample.streams, generator.random(len(sample.streams)), strict=True))
        present = [name for name, track in sample.streams.items() if track is not None]
        droppable = [name for name in present if self.streams is None or name in self.streams]
        dropped = {name for name in droppable if draws[name] < self.probability}
        if present and dropped == set(present):
            dropped.remove(present[generator.integers(len(present))])
        return replace(sample, streams=sample.streams | dict.fromkeys(dropped))

"""Gaussian noise added to features; its size is in units of the (normalised) features."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.dataset import Samples
from mmser.data.sample import Sample


class GaussianNoise:
    """Add independent noise of standard ``deviation`` to every value of ``stream``."""

    after_limit: ClassVar[bool] = False

    def __init__(self, stream: str = "audio", deviation: float = 0.1) -> None:
        self.stream = stream
        self.deviation = deviation

    def __call__(
        self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples
    ) -> Sample:
        track = sample.streams.get(self.stream)
        if track is None:
            return sample
        if not np.issubdtype(track.values.dtype, np.floating):
            raise MmserError(
                f"features in stream '{self.stream}'",
                "whole numbers",
                "Add noise to another stream.",
            )
        noise = generator.standard_normal(track.values.shape, dtype=np.float32)
        values = track.values + np.float32(self.deviation) * noise
        return replace(
            sample, streams=sample.streams | {self.stream: replace(track, values=values)}
        )

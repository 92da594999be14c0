"""SpecAugment's time and frequency masks, without time warping.

Source: Park et al., Interspeech 2019, section 2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.dataset import Samples
from mmser.data.sample import Sample


class SpecAugment:
    """Blank ``time_masks`` stretches of time, ``frequency_masks`` bands of the last feature axis.

    Each is 0 to ``time_width`` steps (at most ``time_fraction`` of the utterance) or 0 to
    ``frequency_width`` coefficients wide. Blanked values become the utterance's mean of that
    coefficient, which is 0 for z-scored speech as in the paper up to the speaker's offset.
    """

    after_limit: ClassVar[bool] = True

    def __init__(
        self,
        stream: str = "audio",
        time_masks: int = 2,
        time_width: int = 40,
        frequency_masks: int = 2,
        frequency_width: int = 8,
        time_fraction: float = 0.2,
    ) -> None:
        self.stream = stream
        self.time_masks, self.time_width, self.time_fraction = time_masks, time_width, time_fraction
        self.frequency_masks, self.frequency_width = frequency_masks, frequency_width

    def __call__(
        self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples
    ) -> Sample:
        track = sample.streams.get(self.stream)
        if track is None:
            return sample
        if track.values.ndim < 2:
            raise MmserError(
                f"features in stream '{self.stream}'", "one number per step", "Mask another stream."
            )
        values = track.values.copy()
        fill = values.mean(axis=0)
        widest = min(self.time_width, int(self.time_fraction * len(values)))
        for _ in range(self.time_masks):
            first, last = _stretch(len(values), widest, generator)
            values[first:last] = fill
        for _ in range(self.frequency_masks):
            first, last = _stretch(values.shape[-1], self.frequency_width, generator)
            values[..., first:last] = fill[..., first:last]
        return replace(
            sample, streams=sample.streams | {self.stream: replace(track, values=values)}
        )


def _stretch(size: int, widest: int, generator: np.random.Generator) -> tuple[int, int]:
    """First and last + 1 of a stretch of 0 to ``widest`` places."""
    width = int(generator.integers(min(widest, size) + 1))
    first = int(generator.integers(size - width + 1))
    return first, first + width

"""Speed perturbation of a waveform (Ko et al., Interspeech 2015): tempo and pitch change together.

Differs: the other streams of the utterance keep their arrays; their times are scaled along, so that
words and faces still lie where they are spoken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

import numpy as np
import torch

from mmser.core.errors import UsageError
from mmser.data.dataset import Samples
from mmser.data.sample import Sample, Track
from mmser.data.waveform import waveform_of


class SpeedPerturbation:
    """Play the utterance at a speed drawn from ``rates``; 1.1 makes it shorter by 1 / 1.1."""

    after_limit: ClassVar[bool] = False

    def __init__(self, stream: str = "audio", rates: Sequence[float] = (0.9, 1.0, 1.1)) -> None:
        self.stream = stream
        if not rates or min(rates) < 0.01:
            raise UsageError(
                "rates of at least 0.01", f"{list(rates)}", "1.1 is ten percent faster."
            )
        self.rates = tuple(Fraction(rate).limit_denominator(100) for rate in rates)

    def __call__(
        self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples
    ) -> Sample:
        track = waveform_of(sample, self.stream)
        rate = self.rates[generator.integers(len(self.rates))]
        if track is None or rate == 1:
            return sample
        from torchaudio.functional import resample

        values = resample(
            torch.from_numpy(track.values).float(), rate.numerator, rate.denominator
        ).numpy()
        streams = {name: _retimed(other, float(rate)) for name, other in sample.streams.items()}
        streams[self.stream] = replace(track, values=values)
        duration = None if sample.duration is None else sample.duration / float(rate)
        return replace(sample, streams=streams, duration=duration)


def _retimed(track: Track | None, rate: float) -> Track | None:
    if track is None:
        return None
    frame_rate = None if track.frame_rate is None else track.frame_rate * rate
    spans = None if track.spans is None else (track.spans / rate).astype(np.float32)
    return replace(track, frame_rate=frame_rate, spans=spans)

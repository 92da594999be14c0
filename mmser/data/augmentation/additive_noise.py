"""Noise added to a waveform at a random signal-to-noise ratio.

It is white, pink, babble or from a folder.

Babble is the sum of several other training utterances, each at the same power; never of validation
or test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from mmser.core.errors import MmserError, UsageError
from mmser.core.folders import files_below
from mmser.data.checks import check_probability, check_range
from mmser.data.dataset import Samples
from mmser.data.noise import excerpt, mix_at_snr, pink, read_noise, white
from mmser.data.sample import Sample
from mmser.data.waveform import waveform_of

Kind = Literal["white", "pink", "babble", "folder"]


class AdditiveNoise:
    """With ``probability``, add noise at a ratio drawn uniformly from ``snr`` (lowest, highest) dB.

    ``talkers`` is the (fewest, most) number of voices of babble. ``folder`` holds 16 kHz mono wav
    files.
    """

    after_limit: ClassVar[bool] = False

    def __init__(
        self,
        stream: str = "audio",
        kind: Kind = "white",
        snr: Sequence[float] = (5.0, 20.0),
        probability: float = 0.5,
        talkers: Sequence[int] = (3, 7),
        folder: str | None = None,
    ) -> None:
        self.stream, self.kind, self.probability = stream, kind, check_probability(probability)
        self.lowest, self.highest = check_range("snr", snr)
        self.fewest, self.most = (int(count) for count in check_range("talkers", talkers))
        below = files_below(Path(folder)) if folder else []
        self.files = [path for path in below if path.suffix == ".wav"]
        if kind not in ("white", "pink", "babble", "folder"):
            raise UsageError("noise white, pink, babble or folder", f"'{kind}'", "Choose one.")
        if kind == "folder" and not self.files:
            raise MmserError(
                "a folder of wav files", f"none in {folder}", "Set the folder of the noise files."
            )

    def __call__(
        self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples
    ) -> Sample:
        track = waveform_of(sample, self.stream)
        if track is None or generator.random() >= self.probability:
            return sample
        snr = generator.uniform(self.lowest, self.highest)
        noise = self._noise(len(track), sample.id, generator, samples)
        mixed = replace(track, values=mix_at_snr(track.values, noise, snr))
        return replace(sample, streams=sample.streams | {self.stream: mixed})

    def _noise(
        self, length: int, own: str, generator: np.random.Generator, samples: Samples
    ) -> np.ndarray:
        if self.kind == "babble":
            return self._babble(length, own, generator, samples)
        if self.kind == "folder":
            return excerpt(
                read_noise(self.files[generator.integers(len(self.files))]), length, generator
            )
        return white(length, generator) if self.kind == "white" else pink(length, generator)

    def _babble(
        self, length: int, own: str, generator: np.random.Generator, samples: Samples
    ) -> np.ndarray:
        count = int(generator.integers(self.fewest, self.most + 1))
        rows = generator.choice(
            len(samples.ids), size=min(count + 1, len(samples.ids)), replace=False
        )
        others = [samples.ids[row] for row in rows if samples.ids[row] != own][:count]
        noise = np.zeros(length, np.float32)
        for other in others:
            track = waveform_of(samples.sample(other), self.stream)
            if track is not None:
                voice = excerpt(track.values, length, generator)
                noise += voice / np.float32(max(np.sqrt(np.mean(np.square(voice))), 1e-8))
        return noise

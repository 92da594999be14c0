"""Vocal tract length perturbation (Jaitly, Hinton, ICML workshop 2013): frequencies warped, as if by another speaker.

Differs: it acts on spectra (linear or mel), not on the waveform: each step is read at warped frequencies, linearly
between neighbouring bands. A fresh factor is drawn each time a clip is seen, where released code writes some copies of
each clip beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.checks import check_probability, check_range
from mmser.data.dataset import Samples
from mmser.data.sample import Sample

Scale = Literal["linear", "htk", "slaney"]


class VTLP:
    """Warp stream ``stream`` by a factor drawn uniformly from ``warp``, with chance ``probability``.

    ``scale``, ``low_hz`` and ``high_hz`` say where the bands lie (as the extractor's ``mel_scale`` and edges do);
    ``edge_hz`` is the frequency above which the warp bends back, so that 0 and half of ``sample_rate`` stay.
    """

    def __init__(
        self,
        stream: str = "audio",
        warp: Sequence[float] = (0.8, 1.2),
        probability: float = 0.875,
        edge_hz: float = 4800.0,
        scale: Scale = "slaney",
        low_hz: float = 0.0,
        high_hz: float = 8000.0,
        sample_rate: int = 16_000,
    ) -> None:
        if scale not in ("linear", "htk", "slaney"):
            raise MmserError("scale linear, htk or slaney", f"'{scale}'", "Choose that of the extractor.")
        self.stream, self.probability = stream, check_probability(probability)
        self.lowest, self.highest = check_range("warp", warp)
        self.edge_hz, self.half = edge_hz, sample_rate / 2
        self.scale, self.low_hz, self.high_hz = scale, low_hz, high_hz

    def __call__(self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples) -> Sample:
        track = sample.streams.get(self.stream)
        chosen, factor = generator.random() < self.probability, generator.uniform(self.lowest, self.highest)
        if track is None or not chosen:
            return sample
        if track.values.ndim != 2:
            found = f"steps of shape {track.values.shape[1:]}"
            raise MmserError(f"spectra in stream '{self.stream}'", found, "Set the augmentation's stream.")
        values = warped(track.values, self.centres(track.values.shape[1]), factor, self.edge_hz, self.half)
        return replace(sample, streams=sample.streams | {self.stream: replace(track, values=values)})

    def centres(self, bands: int) -> np.ndarray:
        """(band,) Hz."""
        if self.scale == "linear":
            return np.linspace(self.low_hz, self.high_hz, bands)
        grid = np.linspace(0.0, self.high_hz, 8001)
        if self.scale == "htk":
            mel = 2595.0 * np.log10(1.0 + grid / 700.0)
        else:
            mel = np.where(grid < 1000.0, grid * 3 / 200, 15 + np.log(np.maximum(grid, 1.0) / 1000) * 27 / np.log(6.4))
        corners = np.linspace(np.interp(self.low_hz, grid, mel), mel[-1], bands + 2)
        return np.interp(corners[1:-1], mel, grid)


def warp_frequency(hertz: np.ndarray, factor: float, edge_hz: float, half: float) -> np.ndarray:
    """Where each frequency goes: times ``factor`` up to the edge, then in a straight line to ``half``."""
    edge = edge_hz * min(factor, 1.0)
    bend = edge / factor
    above = half - (half - edge) / (half - bend) * (half - hertz)
    return np.where(hertz <= bend, hertz * factor, above)


def warped(values: np.ndarray, centres: np.ndarray, factor: float, edge_hz: float, half: float) -> np.ndarray:
    """values (time, band) -> the same, float32: what stood at f stands at ``warp_frequency(f)``."""
    places = np.interp(centres, warp_frequency(centres, factor, edge_hz, half), np.arange(len(centres)))
    lower = np.clip(places.astype(int), 0, max(0, len(centres) - 2))
    share = (places - lower).astype(np.float32)
    upper = np.minimum(lower + 1, len(centres) - 1)
    return (values[:, lower] * (1 - share) + values[:, upper] * share).astype(np.float32)

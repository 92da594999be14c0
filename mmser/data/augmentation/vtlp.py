"""Vocal tract length perturbation: frequencies warped, as if another speaker had spoken.

Source: Jaitly, Hinton, ICML workshop 2013.

``form`` nlpaug is what the package of that name computes: its frequencies run to the sampling rate
instead of half of it, and the result is scaled back to the bands there are, so factors .8 to 1.2
act as .70 to 1.33 below 2 kHz.

Differs: it acts on spectra (linear or mel), not on the waveform: each step is read at warped
frequencies, linearly between neighbouring bands. A fresh factor is drawn each time a clip is seen,
where released code writes some copies of each clip beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.checks import check_probability, check_range
from mmser.data.dataset import Samples
from mmser.data.sample import Sample

Scale = Literal["linear", "htk", "slaney"]
Form = Literal["published", "nlpaug"]


class VTLP:
    """Warp ``stream`` by a factor drawn uniformly from ``warp``, with chance ``probability``.

    ``scale``, ``low_hz`` and ``high_hz`` say where the bands lie (as the extractor's ``mel_scale``
    and edges do); ``edge_hz`` is the frequency above which the warp bends back, so that 0 and half
    of ``sample_rate`` stay; ``form`` is the published map or nlpaug's.
    """

    after_limit: ClassVar[bool] = False

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
        form: Form = "published",
    ) -> None:
        if form not in ("published", "nlpaug"):
            raise MmserError("form published or nlpaug", f"'{form}'", "Choose one.")
        if scale not in ("linear", "htk", "slaney"):
            raise MmserError(
                "scale linear, htk or slaney", f"'{scale}'", "Choose that of the extractor."
            )
        self.stream, self.probability = stream, check_probability(probability)
        self.lowest, self.highest = check_range("warp", warp)
        self.edge_hz, self.half = edge_hz, sample_rate / 2
        self.form = form
        self.scale, self.low_hz, self.high_hz = scale, low_hz, high_hz

    def __call__(
        self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples
    ) -> Sample:
        track = sample.streams.get(self.stream)
        # Both are drawn always: whether a track is there shifts no later number.
        is_warped = generator.random() < self.probability
        factor = generator.uniform(self.lowest, self.highest)
        if track is None or not is_warped:
            return sample
        if track.values.ndim != 2:
            raise MmserError(
                f"spectra in stream '{self.stream}'",
                f"steps of shape {track.values.shape[1:]}",
                "Set the augmentation's stream.",
            )
        centres = self.centres(track.values.shape[1])
        warp = warp_frequency if self.form == "published" else nlpaug_frequency
        values = warped(track.values, centres, warp(centres, factor, self.edge_hz, self.half))
        return replace(
            sample, streams=sample.streams | {self.stream: replace(track, values=values)}
        )

    def centres(self, bands: int) -> np.ndarray:
        """(band,) Hz."""
        if self.scale == "linear":
            return np.linspace(self.low_hz, self.high_hz, bands)
        grid = np.linspace(0.0, self.high_hz, 8001)
        if self.scale == "htk":
            mel = 2595.0 * np.log10(1.0 + grid / 700.0)
        else:
            mel = np.where(
                grid < 1000.0,
                grid * 3 / 200,
                15 + np.log(np.maximum(grid, 1.0) / 1000) * 27 / np.log(6.4),
            )
        corners = np.linspace(np.interp(self.low_hz, grid, mel), mel[-1], bands + 2)
        return np.interp(corners[1:-1], mel, grid)


def warp_frequency(hertz: np.ndarray, factor: float, edge_hz: float, half: float) -> np.ndarray:
    """Each frequency warped: times ``factor`` up to the edge, then straight to ``half``."""
    edge = edge_hz * min(factor, 1.0)
    bend = edge / factor
    above = half - (half - edge) / (half - bend) * (half - hertz)
    return np.where(hertz <= bend, hertz * factor, above)


def nlpaug_frequency(hertz: np.ndarray, factor: float, edge_hz: float, half: float) -> np.ndarray:
    """Each frequency as nlpaug warps it: as twice the frequency, scaled so that ``half`` stays."""
    return (
        half
        * warp_frequency(2 * hertz, factor, edge_hz, half)
        / warp_frequency(np.array(2 * half), factor, edge_hz, half)
    )


def warped(values: np.ndarray, centres: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """values (time, band) -> (time, band) float32: each band moves from its centre to its target.

    Both are in Hz.
    """
    places = np.interp(centres, targets, np.arange(len(centres)))
    lower = np.clip(places.astype(int), 0, max(0, len(centres) - 2))
    share = (places - lower).astype(np.float32)
    upper = np.minimum(lower + 1, len(centres) - 1)
    return (values[:, lower] * (1 - share) + values[:, upper] * share).astype(np.float32)

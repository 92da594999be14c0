"""The options between a waveform and its spectrum, in groups: a frozen recipe states, documents and
carries out one group.

An extractor of spectra inherits the recipes it follows, so that each of their options is an
argument of the extractor, and a config and an override name it flat
(``extractor.mfcc40.bands=64``). Nothing but such recipes is inherited.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mmser.extractors.arguments import LATER
from mmser.extractors.spectral.level import Level, LevelOf, prepared
from mmser.extractors.spectral.mel import (
    Logarithm,
    MelScale,
    logarithm,
    mel_filters,
    standardised,
    with_differences,
)
from mmser.extractors.spectral.sample_rate import version_at
from mmser.extractors.spectral.short_time import (
    Padding,
    WindowShape,
    fft_length,
    preemphasised,
    spectrum,
    window,
)


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The sound before anything is measured on it.

    Args:
        sample_rate: Hz at which the sound is decoded.
        level: see `level.levelled`.
        preemphasis: factor of the first-order difference, 0 for none.
    """

    sample_rate: int = 16_000
    level: Level = "none"
    preemphasis: float = 0.0

    @property
    def version(self) -> int:
        """That of an extractor at this rate: see `sample_rate.version_at`."""
        return version_at(self.sample_rate)


@dataclass(frozen=True, kw_only=True)
class Framing(Sound):
    """sound -> pre-emphasis -> windows -> FFT.

    Args:
        window_ms: milliseconds of a window, rounded to samples.
        hop_ms: milliseconds from one window to the next, rounded to samples.
        window: the taper.
        periodic: False makes the taper symmetric.
        fft: points of the FFT; None for the next power of two.
        padding: ``none`` (the first window starts at sample 0), ``zero`` or ``reflect`` (windows
            are centred).
    """

    window_ms: float = 25.0
    hop_ms: float = 10.0
    window: WindowShape = "hamming"
    periodic: bool = True
    fft: int | None = None
    padding: Padding = "none"

    @property
    def window_length(self) -> int:
        """Samples in a window."""
        return round(self.window_ms * self.sample_rate / 1000)

    @property
    def hop(self) -> int:
        """Samples between two windows."""
        return round(self.hop_ms * self.sample_rate / 1000)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    @property
    def fft_points(self) -> int:
        """Points of the FFT."""
        return self.fft or fft_length(self.window_length)

    def spectrum(self, levelled: np.ndarray) -> np.ndarray:
        """(sample,) float32 at its level -> (time, fft_points // 2 + 1) complex64."""
        emphasised = preemphasised(levelled, self.preemphasis)
        taper = window(self.window, self.window_length, self.periodic)
        return spectrum(emphasised, taper, self.hop, self.fft_points, self.padding)


@dataclass(frozen=True, kw_only=True)
class EnergyScale:
    """magnitude -> energy -> logarithm.

    Args:
        power: exponent of the magnitude: 1 magnitude, 2 power.
        log, log_floor, log_offset, top_db: see `mel.logarithm`; log None keeps the energies where
            an extractor allows it.
    """

    power: float = 2.0
    log: Logarithm | None = "natural"
    log_floor: float = 1e-10
    log_offset: float = 0.0
    top_db: float | None = None

    def scaled(self, energy: np.ndarray) -> np.ndarray:
        """(time, feature) energies -> their logarithm, or the energies themselves."""
        if self.log is None:
            return energy
        return logarithm(energy, self.log, self.log_floor, self.log_offset, self.top_db)


@dataclass(frozen=True, kw_only=True)
class MelBands:
    """spectrum -> mel bands: every option is described at `mel.mel_filters`."""

    bands: int = 40
    low_hz: float = 0.0
    high_hz: float = 8000.0
    mel_scale: MelScale = "htk"
    mel_triangles: Literal["hertz", "mel"] = "hertz"
    mel_area: bool = False

    def filters(self, bins: int, sample_rate: int) -> np.ndarray:
        """(band, bin) float32."""
        return mel_filters(
            self.bands,
            bins,
            sample_rate,
            self.low_hz,
            self.high_hz,
            self.mel_scale,
            self.mel_triangles,
            self.mel_area,
        )


@dataclass(frozen=True, kw_only=True)
class MelSpectrum(Framing, MelBands, EnergyScale):
    """sound -> fixed length -> spectrum -> mel bands -> logarithm.

    Args:
        level_of: what the level is measured on: the ``whole`` clip, or the ``cut`` to ``seconds``,
            before zeros are added.
        seconds: fixed length (centre crop or zeros on both sides); None keeps the clip's own.
        log: as in `EnergyScale`, and never None.
    """

    level_of: LevelOf = field(default="whole", metadata=LATER)
    seconds: float | None = None
    log: Logarithm = "natural"

    def log_mel(self, waveform: np.ndarray) -> np.ndarray:
        """(sample,) float32 at ``sample_rate`` Hz -> (time, band) float32."""
        levelled = prepared(waveform, self.level, self.level_of, self.seconds, self.sample_rate)
        magnitude = np.abs(self.spectrum(levelled))
        energy = magnitude if self.power == 1 else magnitude**self.power
        filters = self.filters(magnitude.shape[1], self.sample_rate)
        return self.scaled(energy @ filters.T)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What is done to the columns of a clip's features in the end.

    Args:
        difference_order: 0, 1 (slopes) or 2 (slopes of slopes), appended as further columns.
        difference_width: frames on each side of the slope.
        standardise: per clip and column, ``none``, ``mean`` or ``zscore``.
    """

    difference_order: int = 0
    difference_width: int = 2
    standardise: Literal["none", "mean", "zscore"] = "none"

    def finished(self, values: np.ndarray) -> np.ndarray:
        """(time, feature) -> (time, feature * (difference_order + 1))."""
        columns = with_differences(values, self.difference_order, self.difference_width)
        return standardised(columns, self.standardise)

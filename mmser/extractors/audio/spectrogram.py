"""Linear-frequency spectra: power, magnitude or real part of the short-time Fourier transform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.level import levelled
from mmser.extractors.spectral.recipe import EnergyScale, Framing


@dataclass(frozen=True, kw_only=True)
class Spectrogram(Framing, EnergyScale):
    """waveform -> level -> STFT -> the lowest bins -> power [-> log], (time, bin).

    Further arguments are those of the recipes in `mmser.extractors.spectral.recipe`.

    Args:
        bins: how many, from 0 Hz on, each ``sample_rate / fft`` Hz wide; None: all of them.
        part: ``energy`` (magnitude to the power ``power``) or ``real``: the real part, sign kept,
            no logarithm.
        relative: subtract the largest value of the clip after the logarithm (dB below the maximum).
    """

    modality: ClassVar[Modality] = "audio"
    gives: ClassVar[StreamKind] = "features"
    checkpoint: ClassVar[None] = None

    bins: int | None = None
    part: Literal["energy", "real"] = "energy"
    relative: bool = False

    def __post_init__(self) -> None:
        available = self.fft_points // 2 + 1
        if self.bins is not None and self.bins > available:
            raise MmserError(
                f"at most {available} bins of a {self.fft_points}-point FFT",
                f"bins={self.bins}",
                "Raise fft or lower bins.",
            )
        if self.window_length > self.fft_points:
            raise MmserError(
                "an FFT that holds the window",
                f"fft={self.fft_points} for a window of {self.window_length} samples",
                "Raise fft or shorten window_ms.",
            )

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.bins or self.fft_points // 2 + 1

    @property
    def dtype(self) -> str:
        """float16 for logarithms (at most 0.03 dB is lost below 100 dB), float32 for energies of
        any size.
        """
        return "float32" if self.log is None or self.part == "real" else "float16"

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "spectrogram", **asdict(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, bin) float32 array per clip; each is computed alone."""
        return each_waveform(clips, self._features, self.sample_rate)

    def _features(self, waveform: np.ndarray) -> Features:
        return Features(self._values(waveform), self.frame_rate)

    def _values(self, waveform: np.ndarray) -> np.ndarray:
        """(sample,) -> (time, bin)."""
        bins = self.spectrum(levelled(waveform, self.level))[:, : self.bins]
        if self.part == "real":
            return np.ascontiguousarray(bins.real)
        energy = np.abs(bins) ** np.float32(self.power)
        if self.log is None:
            return energy
        logs = self.scaled(energy)
        return logs - logs.max() if self.relative else logs

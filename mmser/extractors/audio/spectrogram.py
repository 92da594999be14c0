"""Linear-frequency spectra: power, magnitude or the real part of the short-time
Fourier transform.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.level import Level, levelled
from mmser.extractors.spectral.mel import Logarithm, logarithm
from mmser.extractors.spectral.sample_rate import version_at
from mmser.extractors.spectral.short_time import (
    Padding,
    WindowShape,
    fft_length,
    preemphasised,
    spectrum,
    window,
)


@dataclass(frozen=True)
class Spectrogram:
    """waveform -> level -> STFT -> the lowest bins -> power [-> log], (time, bin).

    Args:
        bins: kept from 0 Hz on, each ``sample_rate / fft`` Hz wide; None keeps all ``fft // 2 +
        1``. part: ``energy`` (magnitude to the power ``power``) or ``real``: the real part, sign
        kept, no logarithm. relative: subtract the largest value of the clip after the logarithm (dB
        below the maximum). sample_rate: Hz at which the sound is decoded. level: see
        `level.levelled`. preemphasis: factor of the first-order difference, 0 for none. window_ms,
        hop_ms: milliseconds, rounded to samples. window, periodic: the taper; periodic False is
        symmetric. fft: points, None for the next power of two. padding: ``none`` (first window at
        sample 0), ``zero`` or ``reflect`` (windows centred). power: 1 magnitude, 2 power. log,
        log_floor, log_offset, top_db: see `mel.logarithm`; log None keeps the energies.
    """

    modality: ClassVar[Modality] = "audio"
    gives: ClassVar[StreamKind] = "features"
    checkpoint: ClassVar[None] = None

    bins: int | None = None
    part: Literal["energy", "real"] = "energy"
    relative: bool = False
    sample_rate: int = 16_000
    level: Level = "none"
    preemphasis: float = 0.0
    window_ms: float = 25.0
    hop_ms: float = 10.0
    window: WindowShape = "hamming"
    periodic: bool = True
    fft: int | None = None
    padding: Padding = "none"
    power: float = 2.0
    log: Logarithm | None = "natural"
    log_floor: float = 1e-10
    log_offset: float = 0.0
    top_db: float | None = None

    def __post_init__(self) -> None:
        available = self._fft // 2 + 1
        if self.bins is not None and self.bins > available:
            raise MmserError(
                f"at most {available} bins of a {self._fft}-point FFT",
                f"bins={self.bins}",
                "Raise fft or lower bins.",
            )
        if self.window_length > self._fft:
            raise MmserError(
                "an FFT that holds the window",
                f"fft={self._fft} for a window of {self.window_length} samples",
                "Raise fft or shorten window_ms.",
            )

    @property
    def window_length(self) -> int:
        """Samples in a window."""
        return round(self.window_ms * self.sample_rate / 1000)

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.bins or self._fft // 2 + 1

    @property
    def dtype(self) -> str:
        """float16 for logarithms (at most 0.03 dB is lost below 100 dB), float32 for energies of
        any size.
        """
        return "float32" if self.log is None or self.part == "real" else "float16"

    @property
    def version(self) -> int:
        """See `mmser.extractors.spectral.sample_rate.version_at`."""
        return version_at(self.sample_rate)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "spectrogram", **asdict(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, bin) float32 array per clip; each is computed alone."""
        rate = self.sample_rate / self._hop
        return each_waveform(
            clips, lambda waveform: Features(self._values(waveform), rate), self.sample_rate
        )

    @property
    def _fft(self) -> int:
        return self.fft or fft_length(self.window_length)

    @property
    def _hop(self) -> int:
        return round(self.hop_ms * self.sample_rate / 1000)

    def _values(self, waveform: np.ndarray) -> np.ndarray:
        prepared = preemphasised(levelled(waveform, self.level), self.preemphasis)
        taper = window(self.window, self.window_length, self.periodic)
        values = spectrum(prepared, taper, self._hop, self._fft, self.padding)[:, : self.bins]
        if self.part == "real":
            return np.ascontiguousarray(values.real)
        energy = np.abs(values) ** np.float32(self.power)
        if self.log is None:
            return energy
        logs = logarithm(energy, self.log, self.log_floor, self.log_offset, self.top_db)
        return logs - logs.max() if self.relative else logs

"""Mel-frequency cepstral coefficients, in the dialects of the published systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.extractors.arguments import arguments
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.mel import cepstra
from mmser.extractors.spectral.recipe import Columns, MelSpectrum


@dataclass(frozen=True, kw_only=True)
class Mfcc(MelSpectrum, Columns):
    """waveform -> log-mel spectrum -> DCT-II [-> differences], (time, coefficients * (order + 1)).

    Further arguments are those of the recipes in `mmser.extractors.spectral.recipe`.

    Args:
        coefficients: how many, from the zeroth on.
        dct: ``orthonormal``, or ``htk`` (coefficient 0 scaled like the others).
        lifter: HTK's cepstral lifter, 0 for none.
        clip: bound of the magnitude of every coefficient, None for none.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float32"
    gives: ClassVar[StreamKind] = "features"
    checkpoint: ClassVar[None] = None

    coefficients: int = 40
    dct: Literal["orthonormal", "htk"] = "orthonormal"
    lifter: int = 0
    clip: float | None = None

    def __post_init__(self) -> None:
        if self.coefficients > self.bands:
            raise MmserError(
                "at most as many MFCC coefficients as mel bands",
                f"coefficients={self.coefficients}, bands={self.bands}",
                "Raise bands or lower coefficients.",
            )

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.coefficients * (self.difference_order + 1)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "mfcc", **arguments(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, coefficient) float32 array per clip; each is computed alone."""
        return each_waveform(clips, self._features, self.sample_rate)

    def _features(self, waveform: np.ndarray) -> Features:
        values = cepstra(self.log_mel(waveform), self.coefficients, self.dct, self.lifter)
        if self.clip is not None:
            values = np.clip(values, -self.clip, self.clip)
        return Features(self.finished(values), self.frame_rate)

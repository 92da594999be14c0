"""Log-mel spectra, in the dialects of the published systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.extractors.arguments import arguments
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.recipe import Columns, MelSpectrum
from mmser.extractors.spectral.short_time import WindowShape


@dataclass(frozen=True, kw_only=True)
class LogMel(MelSpectrum, Columns):
    """waveform -> log-mel spectrum [-> differences], (time, bands * (order + 1)).

    Stored as float16: decibels of at most 100 in size then lose at most 0.03 dB. The arguments are
    those of the recipes in `mmser.extractors.spectral.recipe`.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float16"
    gives: ClassVar[StreamKind] = "features"
    checkpoint: ClassVar[None] = None

    # The recipes' own defaults are those of cepstra.
    window: WindowShape = "hann"
    bands: int = 64

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.bands * (self.difference_order + 1)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "log_mel", **arguments(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, band) float32 array per clip; each is computed alone."""
        return each_waveform(clips, self._features, self.sample_rate)

    def _features(self, waveform: np.ndarray) -> Features:
        return Features(self.finished(self.log_mel(waveform)), self.frame_rate)

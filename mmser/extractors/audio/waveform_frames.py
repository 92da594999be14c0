"""The waveform cut into label frames, so that it shares a grid with words and continuous
annotations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.sample_rate import version_at


@dataclass(frozen=True)
class WaveformFrames:
    """waveform -> consecutive frames without overlap, (time, sample); the last one ends in zeros.

    Args:
        sample_rate: Hz at which the sound is decoded.
        frame_ms: milliseconds of a frame, rounded to samples.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float32"
    gives: ClassVar[StreamKind] = "features"
    checkpoint: ClassVar[None] = None

    sample_rate: int = 22_050
    frame_ms: float = 100.0

    @property
    def feature_size(self) -> int:
        """Samples per frame."""
        return round(self.sample_rate * self.frame_ms / 1000)

    @property
    def version(self) -> int:
        """See `mmser.extractors.spectral.sample_rate.version_at`."""
        return version_at(self.sample_rate)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "waveform_frames", **asdict(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, sample) float32 array per clip."""
        return each_waveform(clips, self._features, self.sample_rate)

    def _features(self, waveform: np.ndarray) -> Features:
        whole = np.pad(waveform, (0, -len(waveform) % self.feature_size))
        return Features(
            whole.reshape(-1, self.feature_size), frame_rate=self.sample_rate / self.feature_size
        )

"""The waveform itself, for learnable front ends and for fine-tuned wav2vec 2.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.level import centred, levelled
from mmser.extractors.spectral.recipe import Sound
from mmser.extractors.spectral.short_time import preemphasised


@dataclass(frozen=True, kw_only=True)
class Waveform(Sound):
    """waveform -> level [-> fixed length] [-> pre-emphasis], (sample,) float32.

    Further arguments are those of `mmser.extractors.spectral.recipe.Sound`; the sample rate is also
    the frame rate of the output, and the level ``zscore`` is what the wav2vec 2.0 processor makes.

    Args:
        seconds: fixed length (centre crop or zeros on both sides); None keeps the clip's own.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float32"
    feature_size: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "waveform"
    checkpoint: ClassVar[None] = None

    seconds: float | None = None

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "waveform", **asdict(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (sample,) float32 array per clip; a scalar per time step, so there is no feature
        axis.
        """
        return each_waveform(clips, self._features, self.sample_rate)

    def _features(self, waveform: Any) -> Features:
        placed = centred(levelled(waveform, self.level), self.seconds, self.sample_rate)
        return Features(preemphasised(placed, self.preemphasis), frame_rate=float(self.sample_rate))

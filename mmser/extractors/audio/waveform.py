"""The waveform itself, for learnable front ends and for fine-tuned wav2vec 2.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.level import Level, centred, levelled
from mmser.extractors.spectral.sample_rate import version_at
from mmser.extractors.spectral.short_time import preemphasised


@dataclass(frozen=True)
class Waveform:
    """waveform -> level [-> fixed length] [-> pre-emphasis], (sample,) float32.

    Args:
        level: see `level.levelled`; ``zscore`` is what the wav2vec 2.0 processor does.
        seconds: fixed length (centre crop or zeros on both sides); None keeps the clip's own.
        sample_rate: Hz at which the sound is decoded, also the frame rate of the output.
        preemphasis: factor of the first-order difference, 0 for none.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float32"
    feature_size: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "waveform"
    checkpoint: ClassVar[None] = None

    level: Level = "none"
    seconds: float | None = None
    sample_rate: int = 16_000
    preemphasis: float = 0.0

    @property
    def version(self) -> int:
        """See `mmser.extractors.spectral.sample_rate.version_at`."""
        return version_at(self.sample_rate)

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

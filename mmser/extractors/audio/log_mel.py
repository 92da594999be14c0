"""Log-mel spectra, in the dialects of the published systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.extractors.arguments import LATER, arguments
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.spectral.level import Level, LevelOf
from mmser.extractors.spectral.mel import (
    Logarithm,
    MelRecipe,
    MelScale,
    standardised,
    with_differences,
)
from mmser.extractors.spectral.sample_rate import version_at
from mmser.extractors.spectral.short_time import Padding, WindowShape


@dataclass(frozen=True)
class LogMel:
    """waveform -> level -> STFT -> mel filters -> log [-> differences], (time, bands * (order +
    1)).

    Stored as float16: decibels of at most 100 in size then lose at most 0.03 dB.

    Args:
        difference_order: 0, 1 (slopes) or 2 (slopes of slopes), appended as further columns.
        difference_width: frames on each side of the slope. standardise: per clip and column,
        ``none``, ``mean`` or ``zscore``. sample_rate: Hz at which the sound is decoded. level: see
        `level.levelled`. level_of: what it is measured on: the ``whole`` clip, or the ``cut`` to
        ``seconds``, before zeros are added. seconds: fixed length (centre crop or zeros on both
        sides); None keeps the clip's own. preemphasis: factor of the first-order difference, 0 for
        none. window_ms, hop_ms: milliseconds, rounded to samples. window, periodic: the taper;
        periodic False is symmetric. fft: points, None for the next power of two. padding: ``none``
        (first window at sample 0), ``zero`` or ``reflect`` (windows centred). power: 1 magnitude, 2
        power. bands, low_hz, high_hz, mel_scale, mel_triangles, mel_area: see `mel.mel_filters`.
        log, log_floor, log_offset, top_db: see `mel.logarithm`.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float16"
    gives: ClassVar[StreamKind] = "features"
    checkpoint: ClassVar[None] = None

    difference_order: int = 0
    difference_width: int = 2
    standardise: Literal["none", "mean", "zscore"] = "none"
    sample_rate: int = 16_000
    level: Level = "none"
    level_of: LevelOf = field(default="whole", metadata=LATER)
    seconds: float | None = None
    preemphasis: float = 0.0
    window_ms: float = 25.0
    hop_ms: float = 10.0
    window: WindowShape = "hann"
    periodic: bool = True
    fft: int | None = None
    padding: Padding = "none"
    power: float = 2.0
    bands: int = 64
    low_hz: float = 0.0
    high_hz: float = 8000.0
    mel_scale: MelScale = "htk"
    mel_triangles: Literal["hertz", "mel"] = "hertz"
    mel_area: bool = False
    log: Logarithm = "natural"
    log_floor: float = 1e-10
    log_offset: float = 0.0
    top_db: float | None = None

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.bands * (self.difference_order + 1)

    @property
    def version(self) -> int:
        """See `mmser.extractors.spectral.sample_rate.version_at`."""
        return version_at(self.sample_rate)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "log_mel", **arguments(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, band) float32 array per clip; each is computed alone."""
        recipe = MelRecipe.of(self)
        rate = recipe.frame_rate
        return each_waveform(
            clips, lambda wave: Features(self._values(recipe, wave), rate), self.sample_rate
        )

    def _values(self, recipe: MelRecipe, waveform: np.ndarray) -> np.ndarray:
        values = with_differences(
            recipe.log_mel(waveform), self.difference_order, self.difference_width
        )
        return standardised(values, self.standardise)

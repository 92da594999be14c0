"""An extractor without a network that ends the process that runs it, over clips named for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Failure, Features


@dataclass(frozen=True)
class Deadly:
    """The level of each clip; ``mark`` is a file whose absence makes a clip called "once" deadly."""

    modality: ClassVar = "audio"
    gives: ClassVar = "features"
    dtype: ClassVar = "float32"
    version: ClassVar = 1
    sample_rate: ClassVar = 16_000
    checkpoint: ClassVar = None
    feature_size: ClassVar = 1

    mark: str = ""
    home: int = 0

    def parameters(self) -> Mapping[str, Any]:
        return {"extractor": "deadly"}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        return [self._level(clip) for clip in clips]

    def _level(self, clip: Clip) -> Features:
        if os.getpid() == self.home:
            raise AssertionError("computed in the caller's process")
        if "mistake" in clip.id:
            raise TypeError("a mistake in the extractor")
        if "broken" in clip.id:
            raise ValueError("an unusual clip")
        dies = "crash" in clip.id or ("once" in clip.id and not Path(self.mark).exists())
        if dies:
            Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Features(np.abs(clip.waveform).mean().reshape(1, 1))

"""One disturbance of clips at one level, and an extractor that sees disturbed clips only."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmser.cache.fingerprint import recipe_of
from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.contracts import Extractor
from mmser.core.errors import MmserError, UsageError
from mmser.core.folders import files_below
from mmser.data.noise import excerpt, mix_at_snr, pink, read_noise, white
from mmser.evaluation.stress.disturbances import picture, sound

UNITS = {
    "white": "dB",
    "pink": "dB",
    "babble": "dB",
    "folder": "dB",
    "reverberation": "s",
    "band": "Hz",
    "telephone": "kbit/s",
    "opus": "kbit/s",
    "clipping": "share",
    "speed": "times",
    "blur": "percent",
    "occlusion": "share",
    "frame_rate": "Hz",
    "frame_loss": "share",
    "offset": "s",
}
"""Every kind of disturbance and the unit of its level."""

LEVELS: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("white", "pink", "babble", "folder"), (20.0, 10.0, 5.0, 0.0)),
    "reverberation": (0.3, 0.6, 1.2),
    "band": (400.0, 300.0, 200.0, 100.0, 80.0, 60.0, 40.0, 20.0),
    "telephone": (64.0,),
    "opus": (24.0, 12.0, 6.0),
    "clipping": (0.01, 0.1, 0.3),
    "speed": (0.8, 0.9, 1.1, 1.25),
    "blur": (1.0, 3.0, 6.0),
    "occlusion": (0.1, 0.3, 0.6),
    "frame_rate": (1.5, 1.0, 0.5),
    "frame_loss": (0.1, 0.3, 0.6),
    "offset": (0.5, 1.0, 2.0),
}
"""What is asked when a kind is named without levels."""

PICTURES = ("blur", "occlusion", "frame_rate", "frame_loss", "offset")
TALKERS = 5
"""Voices of babble."""


@dataclass(frozen=True, eq=False)
class Disturbance:
    """``kind`` at ``level`` (in `UNITS`); its random numbers follow from (seed, id) alone.

    ``voices`` {utterance id: (sample,)} are what babble is made of, its own utterance left out;
    ``folder`` holds 16 kHz mono wav files. Raises UsageError for an unknown kind, MmserError when
    babble or folder have no sound.
    """

    kind: str
    level: float
    seed: int = 0
    voices: Mapping[str, np.ndarray] = field(default_factory=dict)
    folder: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in UNITS:
            raise UsageError(
                f"a disturbance among {', '.join(UNITS)}", f"'{self.kind}'", "Choose one."
            )
        if self.kind == "babble" and len(self.voices) < 2:
            raise MmserError(
                "several voices for babble",
                f"{len(self.voices)}",
                "The corpus has too little sound.",
            )
        if self.kind == "folder" and not self.files:
            raise MmserError(
                "a folder of wav files", f"none in {self.folder}", "Name it: --noise-folder DIR."
            )

    @property
    def modality(self) -> Modality:
        """Which modality of a clip it changes."""
        return "face" if self.kind in PICTURES else "audio"

    @property
    def name(self) -> str:
        """As printed, and part of the store's name."""
        return f"{self.kind}{self.level:g}"

    @property
    def files(self) -> list[Path]:
        """Noise recordings, in order of name."""
        if not self.folder:
            return []
        return [path for path in files_below(Path(self.folder)) if path.suffix == ".wav"]

    def parameters(self) -> dict[str, Any]:
        """Everything that determines the change."""
        sources: list[str] = []
        if self.kind == "folder":
            sources = [path.name for path in self.files]
        elif self.kind == "babble":
            sources = sorted(self.voices)
        return {"kind": self.kind, "level": self.level, "seed": self.seed, "sources": sources}

    def __call__(self, clip: Clip) -> Clip:
        """The clip disturbed; one without that modality, or an empty one, comes back as it is."""
        generator = np.random.default_rng([self.seed, zlib.crc32(clip.id.encode())])
        if self.modality == "face":
            if clip.frames is None or not len(clip.frames):
                return clip
            return replace(
                clip, frames=self._pictures(clip.frames, float(clip.frame_rate or 1.0), generator)
            )
        if clip.waveform is None or not clip.waveform.size:
            return clip
        return replace(clip, waveform=self._sound(clip.waveform, clip.id, generator), waveforms={})

    def _pictures(
        self, frames: np.ndarray, rate: float, generator: np.random.Generator
    ) -> np.ndarray:
        changes: dict[str, Callable[[], np.ndarray]] = {
            "blur": lambda: picture.blur(frames, self.level),
            "occlusion": lambda: picture.occlude(frames, self.level, generator),
            "frame_rate": lambda: picture.slow_down(frames, rate, self.level),
            "frame_loss": lambda: picture.lose(frames, self.level, generator),
            "offset": lambda: picture.delay(frames, rate, self.level),
        }
        return changes[self.kind]()

    def _sound(self, waveform: np.ndarray, own: str, generator: np.random.Generator) -> np.ndarray:
        changes: dict[str, Callable[[], np.ndarray]] = {
            "reverberation": lambda: sound.reverberate(waveform, self.level, generator),
            "band": lambda: sound.band_pass(waveform, self.level),
            "telephone": lambda: sound.telephone(waveform),
            "opus": lambda: sound.internet_call(waveform, self.level),
            "clipping": lambda: sound.clip_share(waveform, self.level),
            "speed": lambda: sound.change_speed(waveform, self.level),
        }
        if self.kind in changes:
            return changes[self.kind]()
        return mix_at_snr(waveform, self._noise(len(waveform), own, generator), self.level)

    def _noise(self, samples: int, own: str, generator: np.random.Generator) -> np.ndarray:
        if self.kind == "folder":
            recording = self.files[int(generator.integers(len(self.files)))]
            return excerpt(read_noise(recording), samples, generator)
        if self.kind == "babble":
            others = [voice for name, voice in sorted(self.voices.items()) if name != own]
            rows = generator.permutation(len(others))[:TALKERS]
            excerpts = [excerpt(others[row], samples, generator) for row in rows]
            levels = [max(float(np.sqrt(np.mean(np.square(voice)))), 1e-8) for voice in excerpts]
            # (sample, voice) @ (voice,): every voice equally loud.
            return np.stack(excerpts).T @ np.float32(1.0 / np.array(levels))
        return white(samples, generator) if self.kind == "white" else pink(samples, generator)


class Disturbed:
    """An extractor like any other: ``extractor`` on clips changed by ``disturbance``.

    It has a fingerprint of its own. What it states of itself is the extractor's, save two: its own
    ``version``, and the rate of the sound, for a disturbance is made at 16 kHz.
    """

    version: ClassVar[int] = 1

    def __init__(self, extractor: Extractor, disturbance: Disturbance) -> None:
        self.extractor, self.disturbance = extractor, disturbance
        recipe = recipe_of("disturbed", extractor)
        self.modality = extractor.modality
        self.gives = extractor.gives
        self.feature_size = extractor.feature_size
        self.dtype = extractor.dtype
        self.checkpoint = extractor.checkpoint
        self.sample_rate = SAMPLE_RATE if extractor.modality == "audio" else None
        self._own = {
            "class": recipe.maker,
            "version": recipe.version,
            "parameters": dict(recipe.parameters),
        }

    def parameters(self) -> Mapping[str, Any]:
        """The disturbance's and the extractor's."""
        return {"disturbance": self.disturbance.parameters(), "extractor": self._own}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """The extractor's results on the disturbed clips."""
        return self.extractor.extract([self.disturbance(clip) for clip in clips])

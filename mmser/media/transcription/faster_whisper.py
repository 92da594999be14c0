"""Whisper in CTranslate2 (faster-whisper): the same models, faster on a CPU.

They are read from a folder on disk and never downloaded. Differs: temperature 0 only, as in
`mmser.media.transcription.whisper`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.clip import Transcript
from mmser.core.errors import MmserError, reason_of
from mmser.core.file_digest import digest
from mmser.core.paths import expanded
from mmser.core.utterance import Word
from mmser.media.silence import is_silent
from mmser.media.transcription.ctranslate2_file import check_model_file

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

FILES = ("model.bin", "config.json", "tokenizer.json")
"""What a model folder must hold; without the tokenizer faster-whisper would fetch one."""
FURTHER = ("preprocessor_config.json", "vocabulary.json", "vocabulary.txt")
"""What is read where it is there."""


class FasterWhisper:
    """``model`` is a size name (tiny, base.en, large-v3, ...) or the path of a model folder.

    A size name is that of a folder in ``weights``. ``weights`` may be the model folder itself.
    ``compute_type`` is CTranslate2's number format ("default" is the model's own, "int8" is faster
    and less exact). ``language`` is a code such as "en"; None lets Whisper detect it in each
    utterance.
    """

    def __init__(
        self,
        model: str = "base",
        weights: str | Path = "weights/faster-whisper",
        language: str | None = None,
        compute_type: str = "default",
        beam_size: int = 5,
        device: str = "auto",
    ) -> None:
        places = expanded(model), expanded(weights)
        self.path = next(
            (path for path in places if (path / FILES[0]).is_file()), places[1] / model
        )
        self.name = f"faster-whisper-{self.path.name}"
        self.language = language
        self.compute_type = compute_type
        self.beam_size = beam_size
        self.device = device

    def parameters(self) -> Mapping[str, Any]:
        """Raises MmserError when the model is not there."""
        return {
            "transcriber": "faster-whisper",
            "weights": self._digest,
            "language": self.language,
            "compute_type": self.compute_type,
            "beam_size": self.beam_size,
        }

    def transcribe(self, waveforms: Sequence[np.ndarray]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz, one after the other.

        Raises MmserError when the package or the model is missing.
        """
        return [
            Transcript("", self.name) if is_silent(waveform) else self._transcribe(waveform)
            for waveform in waveforms
        ]

    def _transcribe(self, waveform: np.ndarray) -> Transcript:
        segments, _ = self._model.transcribe(
            np.ascontiguousarray(waveform, dtype=np.float32),
            language=self.language,
            beam_size=self.beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        spoken = chain.from_iterable(segment.words or () for segment in segments)
        timed = [
            Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
            for word in spoken
        ]
        words = tuple(word for word in timed if word.text)
        return Transcript(" ".join(word.text for word in words), self.name, words)

    @cached_property
    def _digest(self) -> str:
        self._check_files()
        names = [name for name in (*FILES, *FURTHER) if (self.path / name).is_file()]
        listed = "\n".join(f"{name} {digest(self.path / name)}" for name in names)
        return hashlib.sha256(listed.encode()).hexdigest()

    @cached_property
    def _model(self) -> WhisperModel:
        try:
            from faster_whisper import WhisperModel
        except ModuleNotFoundError as error:
            raise MmserError(
                "faster-whisper",
                "no package faster-whisper",
                "Run: pip install 'mmser[faster-whisper]'",
            ) from error
        self._check_files()
        check_model_file(self.path / FILES[0], "WhisperSpec")
        try:
            return WhisperModel(
                str(self.path),
                device=self.device,
                compute_type=self.compute_type,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, KeyError, TypeError, OSError) as error:
            found = f"{self.path}, which does not load ({reason_of(error)})"
            raise MmserError("a faster-whisper model folder", found, "Download it anew.") from error

    def _check_files(self) -> None:
        missing = [name for name in FILES if not (self.path / name).is_file()]
        if missing:
            raise MmserError(
                f"the faster-whisper model '{self.path.name}'",
                f"no {', '.join(missing)} in {self.path}",
                "Run `mmser weights get tiny.en` or `base`, or download all files of "
                f"https://huggingface.co/Systran/faster-whisper-{self.path.name} into that "
                "folder, or set transcriber.model or transcriber.weights to a model folder (the "
                "folder of all weights is paths.weights).",
            )

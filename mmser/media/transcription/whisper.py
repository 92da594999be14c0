"""OpenAI Whisper (Radford et al. 2023) with word times, from a checkpoint on disk.

Nothing is downloaded. Every utterance has a window of 30 s to itself: several in one window repeat
sentences and give words to each other.

Differs: temperature 0 only. Whisper falls back to random sampling when its own output looks poor,
which would make a transcript depend on chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmser.core.clip import Transcript
from mmser.core.utterance import Word
from mmser.media.silence import is_silent
from mmser.media.transcription.whisper_checkpoint import WhisperCheckpoint


class Whisper:
    """``model`` is a size name (tiny, base.en, large-v3, ...) or the path of a .pt file.

    A size name is that of ``<name>.pt`` in ``weights``. ``weights`` may be the .pt file itself.
    ``language`` is a code such as "en"; None lets Whisper detect it in each utterance. ``device``
    is a torch device, None the GPU where there is one.
    """

    def __init__(
        self,
        model: str = "base",
        weights: str | Path = "weights/whisper",
        language: str | None = None,
        device: str | None = None,
    ) -> None:
        self.checkpoint = WhisperCheckpoint(model, weights, device)
        self.name = f"whisper-{self.checkpoint.path.stem}"
        self.language = language

    @property
    def path(self) -> Path:
        """The .pt file."""
        return self.checkpoint.path

    def parameters(self) -> Mapping[str, Any]:
        """Raises MmserError when the checkpoint is not there."""
        return {
            "transcriber": "whisper",
            **self.checkpoint.facts,
            "language": self.language,
            # Utterances could once share a window; the word is kept so that earlier transcripts are
            # still known.
            "group_short": False,
        }

    def transcribe(self, waveforms: Sequence[np.ndarray]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz; on a GPU many at once, with the same words.

        Silence is not given to Whisper, which would make words up. Raises MmserError when the
        checkpoint is missing or unfit.
        """
        from mmser.media.whisper_network.hearing import hear

        spoken = [waveform for waveform in waveforms if not is_silent(waveform)]
        heard = iter(hear(self._network, spoken, self.language) if spoken else [])
        return [
            self._transcript(() if is_silent(waveform) else next(heard)) for waveform in waveforms
        ]

    @cached_property
    def _network(self) -> Any:
        from mmser.media.whisper_network.room import in_half

        network = self.checkpoint.network
        return in_half(network) if network.device.type == "cuda" else network

    def _transcript(self, words: tuple[Word, ...]) -> Transcript:
        return Transcript(" ".join(word.text for word in words), self.name, words)

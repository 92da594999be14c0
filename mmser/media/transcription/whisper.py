"""OpenAI Whisper (Radford et al. 2023) with word times, from a checkpoint on disk; nothing is downloaded.

Whisper always computes a window of 30 s. ``group_short`` packs several utterances into one window, which costs about
30 s / (utterance length) times less; it is off by default because it is not exact: a word at the edge of an utterance
may be given to its neighbour (by up to Whisper's word time error, some tenths of a second; `PAUSE` seconds of silence
lie between utterances), and the words of one utterance can sway those of the next.

Differs: temperature 0 only. Whisper falls back to random sampling when its own output looks poor, which would make a
transcript depend on chance.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Transcript
from mmser.core.errors import MmserError
from mmser.core.utterance import Word
from mmser.media.silence import is_silent

WINDOW = 30.0
"""Seconds that Whisper sees at once."""
PAUSE = 1.0
"""Seconds of silence put between grouped utterances."""


class Whisper:
    """``model`` is a size name (tiny, base.en, large-v3, ...) whose ``<name>.pt`` lies in ``weights``, or a .pt path.

    ``language`` is a code such as "en"; None lets Whisper detect it in each utterance. ``device`` is a torch device,
    None the GPU where there is one.
    """

    def __init__(
        self,
        model: str = "base",
        weights: str | Path = "weights/whisper",
        language: str | None = None,
        group_short: bool = False,
        device: str | None = None,
    ) -> None:
        path = Path(model).expanduser()
        self.path = path if path.suffix == ".pt" else Path(weights).expanduser() / f"{model}.pt"
        self.name = f"whisper-{self.path.stem}"
        self.language, self.group_short, self.device = language, group_short, device

    def parameters(self) -> Mapping[str, Any]:
        """Raises MmserError when the checkpoint is not there."""
        return {
            "transcriber": "whisper",
            "model": self.path.stem,
            "weights": self._digest,
            "language": self.language,
            "group_short": self.group_short,
        }

    def transcribe(self, waveforms: Sequence[np.ndarray]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz. Raises MmserError when the checkpoint is missing or unfit."""
        words: list[tuple[Word, ...]] = [() for _ in waveforms]
        for group in self._groups(waveforms):
            if len(group) == 1:
                words[group[0]] = self._words(waveforms[group[0]])
            else:
                for row, own in zip(group, self._grouped_words([waveforms[row] for row in group]), strict=True):
                    words[row] = own
        return [Transcript(" ".join(word.text for word in own), self.name, own) for own in words]

    def _groups(self, waveforms: Sequence[np.ndarray]) -> Iterator[list[int]]:
        """Rows to be heard together; silent ones are left out, since Whisper makes up words for them."""
        group: list[int] = []
        used = 0.0
        for row, waveform in enumerate(waveforms):
            if is_silent(waveform):
                continue
            seconds = len(waveform) / SAMPLE_RATE + PAUSE
            if group and (not self.group_short or used + seconds > WINDOW):
                yield group
                group, used = [], 0.0
            group.append(row)
            used += seconds
        if group:
            yield group

    def _words(self, waveform: np.ndarray) -> tuple[Word, ...]:
        result = self._model.transcribe(
            np.ascontiguousarray(waveform, dtype=np.float32),
            language=self.language,
            word_timestamps=True,
            temperature=0.0,
            condition_on_previous_text=False,
            fp16=self._model.device.type == "cuda",
            verbose=None,
        )
        return tuple(
            Word(word["word"].strip(), float(word["start"]), float(word["end"]), float(word["probability"]))
            for segment in result["segments"]
            for word in segment["words"]
            if word["word"].strip()
        )

    def _grouped_words(self, waveforms: Sequence[np.ndarray]) -> list[tuple[Word, ...]]:
        """Words of several utterances heard as one; a word belongs to the utterance nearest to its middle."""
        pause = np.zeros(round(PAUSE * SAMPLE_RATE), dtype=np.float32)
        joined = np.concatenate([part for waveform in waveforms for part in (waveform, pause)])
        lengths = np.array([len(waveform) for waveform in waveforms]) / SAMPLE_RATE
        begins = np.concatenate([[0.0], np.cumsum(lengths + PAUSE)[:-1]])
        return share_out(self._words(joined), begins, begins + lengths)

    @cached_property
    def _digest(self) -> str:
        if not self.path.is_file():
            raise self._missing()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def _model(self) -> Any:
        """The network. A known checkpoint is recognised by its digest, which brings its alignment heads with it."""
        import whisper

        official = {address.split("/")[-2]: name for name, address in whisper._MODELS.items()}
        name = official.get(self._digest)
        # whisper itself loads with weights_only=True; a known name is looked up beside the file, so nothing is fetched.
        known = name is not None and self.path.stem == name
        try:
            if known:
                return whisper.load_model(str(name), self.device, download_root=str(self.path.parent))
            return whisper.load_model(str(self.path), self.device)
        except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, EOFError) as error:
            raise MmserError(
                "an OpenAI Whisper checkpoint", f"{self.path}, which does not load ({error})", "Download it anew."
            ) from error

    def _missing(self) -> MmserError:
        import whisper

        address = whisper._MODELS.get(self.path.stem, "a Whisper checkpoint (.pt)")
        return MmserError(
            f"the Whisper checkpoint '{self.path.stem}'",
            f"no file {self.path}",
            f"Download {address} and put it there, or set transcriber.model to the path of a .pt file "
            "(the folder of all weights is paths.weights).",
        )


def share_out(words: Sequence[Word], begins: np.ndarray, ends: np.ndarray) -> list[tuple[Word, ...]]:
    """Give each word to the span nearest to its middle, with times from that span's start and inside it.

    ``begins`` and ``ends`` (span,) are seconds, in rising order.
    """
    shares: list[list[Word]] = [[] for _ in begins]
    for word in words:
        middle = (word.start + word.end) / 2
        away = np.maximum(np.maximum(begins - middle, middle - ends), 0)
        row = int(np.argmin(away))
        length = float(ends[row] - begins[row])
        start, end = (min(max(time - float(begins[row]), 0.0), length) for time in (word.start, word.end))
        shares[row].append(Word(word.text, start, end, word.confidence))
    return [tuple(own) for own in shares]

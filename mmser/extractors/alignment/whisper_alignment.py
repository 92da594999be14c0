"""The corpus's own words aligned to the sound by the attention of Whisper's decoder.

Source: Radford et al., "Robust speech recognition via large-scale weak supervision", ICML 2023; the
alignment (dynamic time warping through the cross-attention of the heads that follow time) is that
of the package ``whisper``, on a text that is given instead of decoded.

Differs: the package gives all time to words. Here the pauses of the sound are taken out of them, a
word that the decoder finds improbable is taken for unsaid, and the others are aligned once more
without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Transcript
from mmser.core.errors import MmserError, UsageError
from mmser.core.words import normalise_word, spoken_words
from mmser.extractors.transcripts.word_times import Placed, alignable, with_times, without_times
from mmser.media.transcription.whisper_checkpoint import WhisperCheckpoint

if TYPE_CHECKING:
    from whisper.timing import WordTiming
    from whisper.tokenizer import Tokenizer

WINDOW = 30 * SAMPLE_RATE
"""Samples of Whisper's window."""


class WhisperAlignment:
    """Words of the corpus placed in the sound by Whisper's cross-attention (windows of 30 s).

    ``model`` and ``weights`` are those of the recogniser `Whisper`. ``language`` is a code such as
    "en"; None lets a multilingual Whisper detect it in each utterance. A word of less than
    ``least_confidence`` (mean probability of its pieces, given the words before it) is unsaid.
    Words of sound longer than 30 s, of a text longer than the decoder reads, and of silence have no
    times.
    """

    name = "whisper_alignment"

    def __init__(
        self,
        model: str = "base",
        weights: str | Path = "weights/whisper",
        language: str | None = None,
        least_confidence: float = 0.001,
        device: str | None = None,
    ) -> None:
        self.checkpoint = WhisperCheckpoint(model, weights, device)
        self.language = _language_code(language)
        self.least_confidence = least_confidence

    @property
    def path(self) -> Path:
        """The .pt file."""
        return self.checkpoint.path

    def parameters(self) -> Mapping[str, Any]:
        """Raises MmserError when the checkpoint is not there."""
        return {
            "aligner": self.name,
            **self.checkpoint.facts,
            "language": self.language,
            "least_confidence": self.least_confidence,
        }

    def align(self, waveforms: Sequence[np.ndarray], texts: Sequence[str]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz and what is said in each, one after the other.

        Raises MmserError when the checkpoint is missing, unfit, or of another language.
        """
        pairs = zip(waveforms, texts, strict=True)
        return [self._align(waveform, text) for waveform, text in pairs]

    def _align(self, waveform: np.ndarray, text: str) -> Transcript:
        if not alignable(waveform, text) or len(waveform) > WINDOW:
            return without_times(text, self.name)
        words = spoken_words(text)
        placed = self._placed(waveform, words)
        said = [row for row, place in enumerate(placed) if place and self._is_said(place)]
        if len(said) < len(words):
            # An unsaid word takes its time from its neighbours: they are placed without it.
            anew = self._placed(waveform, [words[row] for row in said])
            placed = [None] * len(words)
            for row, place in zip(said, anew, strict=True):
                placed[row] = place
        return with_times(text, self.name, placed, waveform)

    def _is_said(self, place: Placed) -> bool:
        return place.confidence >= self.least_confidence

    def _placed(self, waveform: np.ndarray, words: Sequence[str]) -> list[Placed | None]:
        """Where the attention puts each word; None for all where the text is too long."""
        import whisper
        from whisper.timing import find_alignment

        network = self.checkpoint.network
        sound = np.ascontiguousarray(waveform, dtype=np.float32)
        window = whisper.log_mel_spectrogram(
            whisper.pad_or_trim(sound), network.dims.n_mels, device=network.device
        )
        tokenizer = self._tokenizer(window)
        # A text may hold what looks like a mark of Whisper's own.
        pieces = [tokenizer.encode(f" {word}", disallowed_special=()) for word in words]
        tokens = [token for piece in pieces for token in piece]
        # With the marks before the text, the one of no timestamps and the one of its end.
        room = network.dims.n_text_ctx - len(tokenizer.sot_sequence) - 2
        if not words or len(tokens) > room:
            return [None] * len(words)
        frames = len(waveform) // whisper.audio.HOP_LENGTH
        timings = find_alignment(network, tokenizer, tokens, window, frames)
        return _by_word([len(piece) for piece in pieces], timings)

    def _tokenizer(self, window: Any) -> Tokenizer:
        """The tokenizer for the language of one window (mel band, frame)."""
        from whisper.tokenizer import get_tokenizer

        network = self.checkpoint.network
        if not network.is_multilingual:
            if self.language not in (None, "en"):
                raise MmserError(
                    f"a multilingual Whisper for language={self.language}",
                    f"{self.path.name}, which knows English alone",
                    "Name one without .en, such as aligner.model=base.",
                )
            return get_tokenizer(False)
        language = self.language or network.detect_language(window)[1]
        if not isinstance(language, str):
            language = max(language, key=language.get)
        return get_tokenizer(
            True, num_languages=network.num_languages, language=language, task="transcribe"
        )


def _language_code(language: str | None) -> str | None:
    """The code of a language given by its code or its English name."""
    from whisper.tokenizer import LANGUAGES, TO_LANGUAGE_CODE

    if language is None or language in LANGUAGES:
        return language
    if language.lower() not in TO_LANGUAGE_CODE:
        raise UsageError(
            "language: a code of Whisper's (en, de, it, ...) or null", language, "Correct it."
        )
    return str(TO_LANGUAGE_CODE[language.lower()])


def _by_word(lengths: Sequence[int], timings: Sequence[WordTiming]) -> list[Placed | None]:
    """One place per word of ``lengths`` pieces; the package parts words at punctuation.

    Marks at the edges of a word take no time: from its first letter to its last.
    """
    placed: list[Placed | None] = []
    rest = list(timings)
    for length in lengths:
        parts, pieces = [], 0
        while rest and pieces < length:
            part = rest.pop(0)
            pieces += len(part.tokens)
            if normalise_word(part.word.strip()):
                parts.append(part)
        placed.append(_joined(parts) if parts else None)
    return placed


def _joined(parts: Sequence[WordTiming]) -> Placed:
    shares = [len(part.tokens) for part in parts]
    confidence = np.average([part.probability for part in parts], weights=shares)
    return Placed(float(parts[0].start), float(parts[-1].end), float(confidence))

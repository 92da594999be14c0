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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Transcript
from mmser.core.errors import MmserError, UsageError
from mmser.core.halving import in_halves
from mmser.core.words import normalise_word, spoken_words
from mmser.extractors.transcripts.word_times import Placed, alignable, with_times, without_times
from mmser.media.transcription.whisper_checkpoint import WhisperCheckpoint

if TYPE_CHECKING:
    from torch import Tensor
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
        """Waveforms (sample,) float32 mono 16 kHz and what is said in each; on a GPU many at once.

        Raises MmserError when the checkpoint is missing, unfit, or of another language.
        """
        pairs = list(zip(waveforms, texts, strict=True))
        results = [without_times(text, self.name) for text in texts]
        wanted = [
            row
            for row, (waveform, text) in enumerate(pairs)
            if alignable(waveform, text) and len(waveform) <= WINDOW
        ]
        if not wanted:
            return results
        from mmser.media.whisper_network.room import windows_at_once

        size = windows_at_once(self.checkpoint.network)
        for start in range(0, len(wanted), size):
            rows = wanted[start : start + size]
            found = in_halves([pairs[row] for row in rows], self._align)
            for row, transcript in zip(rows, found, strict=True):
                results[row] = transcript
        return results

    def _align(self, pairs: Sequence[tuple[np.ndarray, str]]) -> list[Transcript]:
        """A sound of at most 30 s and its text each."""
        windows = self._windows([waveform for waveform, _ in pairs])
        words = [spoken_words(text) for _, text in pairs]
        placed = self._placed(windows, words)
        said = [
            [row for row, place in enumerate(places) if place and self._is_said(place)]
            for places in placed
        ]
        # An unsaid word takes its time from its neighbours: they are placed without it.
        unsaid = [n for n, rows in enumerate(said) if len(rows) < len(words[n])]
        fewer = [[words[n][row] for row in said[n]] for n in unsaid]
        anew = self._placed([windows[n] for n in unsaid], fewer)
        for n, places in zip(unsaid, anew, strict=True):
            placed[n] = [None] * len(words[n])
            for row, place in zip(said[n], places, strict=True):
                placed[n][row] = place
        return [
            with_times(text, self.name, places, waveform)
            for (waveform, text), places in zip(pairs, placed, strict=True)
        ]

    def _is_said(self, place: Placed) -> bool:
        return place.confidence >= self.least_confidence

    def _windows(self, waveforms: Sequence[np.ndarray]) -> list[_Window]:
        """What the encoder makes of each waveform, and the tokenizer of its language."""
        import torch
        from whisper.audio import HOP_LENGTH

        from mmser.media.whisper_network.mel import log_mels
        from mmser.media.whisper_network.search import languages_of

        network = self.checkpoint.network
        sounds = [np.ascontiguousarray(waveform, dtype=np.float32) for waveform in waveforms]
        mels = log_mels(sounds, network.dims.n_mels, network.device)
        with torch.inference_mode():
            features = network.encoder(torch.stack([mel.beginning() for mel in mels]))
        languages = [self.language] * len(mels)
        if self.language is None and network.is_multilingual:
            languages = [*languages_of(network, features)]
        return [
            _Window(own, self._tokenizer(language), len(sound) // HOP_LENGTH)
            for own, language, sound in zip(features, languages, sounds, strict=True)
        ]

    def _placed(
        self, windows: Sequence[_Window], words: Sequence[Sequence[str]]
    ) -> list[list[Placed | None]]:
        """Where the attention puts each word; None for all where a text is too long."""
        import torch
        from whisper.timing import find_alignment

        from mmser.media.whisper_network.attention import readings

        network = self.checkpoint.network
        placed: list[list[Placed | None]] = [[None] * len(some) for some in words]
        rows, starts, texts, lengths = [], [], [], []
        for row, (window, some) in enumerate(zip(windows, words, strict=True)):
            tokenizer = window.tokenizer
            # A text may hold what looks like a mark of Whisper's own.
            pieces = [tokenizer.encode(f" {word}", disallowed_special=()) for word in some]
            tokens = [token for piece in pieces for token in piece]
            # With the marks before the text, the one of no timestamps and the one of its end.
            room = network.dims.n_text_ctx - len(tokenizer.sot_sequence) - 2
            if some and len(tokens) <= room:
                rows.append(row)
                starts.append([*tokenizer.sot_sequence, tokenizer.no_timestamps])
                texts.append([*tokens, tokenizer.eot])
                lengths.append([len(piece) for piece in pieces])
        if not rows:
            return placed
        features = torch.stack([windows[row].features for row in rows])
        read = readings(network, features, starts, texts)
        for row, reading, text, length in zip(rows, read, texts, lengths, strict=True):
            window = windows[row]
            with torch.inference_mode():
                timings = find_alignment(
                    reading, window.tokenizer, text[:-1], torch.empty(0), window.frames
                )
            placed[row] = _by_word(length, timings)
        return placed

    def _tokenizer(self, language: str | None) -> Tokenizer:
        """The tokenizer for a language."""
        from whisper.tokenizer import get_tokenizer

        network = self.checkpoint.network
        if not network.is_multilingual:
            if language not in (None, "en"):
                raise MmserError(
                    f"a multilingual Whisper for language={language}",
                    f"{self.path.name}, which is English only",
                    "Name one without .en, such as aligner.model=base.",
                )
            return get_tokenizer(False)
        return get_tokenizer(
            True, num_languages=network.num_languages, language=language, task="transcribe"
        )


@dataclass(frozen=True)
class _Window:
    """``features`` (frame, feature) of the encoder, and ``frames`` of 10 ms of the sound."""

    features: Tensor
    tokenizer: Tokenizer
    frames: int


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

"""Words with times in many clips at once: what ``whisper.transcribe`` hears in each alone.

Its options here are: temperature 0, no text of earlier windows, times of words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor
from whisper.audio import FRAMES_PER_SECOND, HOP_LENGTH, N_FRAMES, SAMPLE_RATE
from whisper.timing import add_word_timestamps
from whisper.tokenizer import Tokenizer, get_tokenizer
from whisper.utils import get_end

from mmser.core.halving import in_halves
from mmser.core.utterance import Word
from mmser.media.whisper_network.attention import Reading, readings
from mmser.media.whisper_network.mel import Mel, log_mels
from mmser.media.whisper_network.room import windows_at_once
from mmser.media.whisper_network.search import Found, greedy, languages_of

SILENT = 0.6
"""Probability that nobody speaks above which a window may be left out."""
LEAST = -1.0
"""Mean log-probability of a text above which a window is kept all the same."""
FRAMES_PER_STEP = 2
"""Frames (10 ms) from one timestamp to the next."""


@dataclass(eq=False)
class Clip:
    """One clip on its way through the network: what is heard of it up to the frame ``seek``."""

    mel: Mel
    language: str | None
    seek: int = 0
    words: list[Word] = field(default_factory=list)
    _last_speech: float = 0.0
    _segments: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_through(self) -> bool:
        """Whether all of it was heard."""
        return self.seek >= self.mel.frames

    @property
    def _size(self) -> int:
        """Frames of it in the window."""
        return min(N_FRAMES, self.mel.frames - self.seek)

    def text_of(self, found: Found, tokenizer: Tokenizer) -> list[int] | None:
        """The tokens of the words found in the window; None where it is silent, and passed."""
        silent = found.no_speech > SILENT and not found.mean_log_probability > LEAST
        if silent:
            self.seek += self._size
            return None
        self._segments = segments(found.tokens, self.seek, self._size, tokenizer)
        every = chain.from_iterable(segment["tokens"] for segment in self._segments)
        return [token for token in every if token < tokenizer.eot]

    def take(self, found: Found, reading: Reading, tokenizer: Tokenizer) -> None:
        """Give the words of the window their times, and go on to the next."""
        offset = self.seek * HOP_LENGTH / SAMPLE_RATE
        add_word_timestamps(
            segments=self._segments,
            model=reading,
            tokenizer=tokenizer,
            mel=torch.empty(0),
            num_frames=self._size,
            last_speech_timestamp=self._last_speech,
        )
        end = get_end(self._segments)
        closed, step = _step(found.tokens, self._size, tokenizer)
        if not closed and end is not None and end > offset:
            self.seek = round(end * FRAMES_PER_SECOND)
        else:
            self.seek += step
        if end is not None:
            self._last_speech = end
        for segment in self._segments:
            if segment["start"] != segment["end"] and segment["text"].strip():
                self.words += [_word(word) for word in segment["words"]]


def hear(
    network: Any,
    waveforms: Sequence[np.ndarray],
    language: str | None,
    at_once: int | None = None,
) -> list[tuple[Word, ...]]:
    """The words of each waveform (sample,) float32 mono 16 kHz, ``at_once`` windows a pass.

    None: `windows_at_once`. In half precision on a GPU, as the package does it.
    """
    at_once = at_once or windows_at_once(network)
    if language is None and not network.is_multilingual:
        language = "en"
    clips: list[Clip] = []
    for start in range(0, len(waveforms), at_once):
        mels = log_mels(waveforms[start : start + at_once], network.dims.n_mels, network.device)
        clips += [Clip(mel, language) for mel in mels]
    while waiting := [clip for clip in clips if not clip.is_through]:
        for start in range(0, len(waiting), at_once):
            together = waiting[start : start + at_once]
            in_halves(together, lambda some: _hear_windows(network, some))
    return [tuple(word for word in clip.words if word.text) for clip in clips]


@torch.inference_mode()
def _hear_windows(network: Any, clips: Sequence[Clip]) -> Sequence[Clip]:
    """The next window of each clip."""
    unknown = [clip for clip in clips if clip.language is None]
    if unknown:
        features = _encoded(network, [clip.mel.beginning() for clip in unknown])
        for clip, language in zip(unknown, languages_of(network, features), strict=True):
            clip.language = language
    features = _encoded(network, [clip.mel.window(clip.seek) for clip in clips])
    found: dict[int, Found] = {}
    rows_of: dict[str, list[int]] = {}
    for row, clip in enumerate(clips):
        rows_of.setdefault(str(clip.language), []).append(row)
    for language, rows in rows_of.items():
        found.update(zip(rows, greedy(network, features[rows], language), strict=True))
    _place(network, clips, features, found)
    return clips


def _encoded(network: Any, windows: Sequence[Tensor]) -> Tensor:
    """Windows (band, frame) -> (window, frame, feature)."""
    together = torch.stack(list(windows))
    half = together.half() if network.device.type == "cuda" else together
    features: Tensor = network.encoder(half)
    return features


def _place(
    network: Any, clips: Sequence[Clip], features: Tensor, found: Mapping[int, Found]
) -> None:
    """The words of each window with their times."""
    tokenizers = [_tokenizer(network, str(clip.language)) for clip in clips]
    rows, starts, texts = [], [], []
    for row, (clip, tokenizer) in enumerate(zip(clips, tokenizers, strict=True)):
        text = clip.text_of(found[row], tokenizer)
        if text is not None:
            rows.append(row)
            starts.append([*tokenizer.sot_sequence, tokenizer.no_timestamps])
            texts.append([*text, tokenizer.eot])
    for row, reading in zip(rows, readings(network, features[rows], starts, texts), strict=True):
        clips[row].take(found[row], reading, tokenizers[row])


def _tokenizer(network: Any, language: str) -> Tokenizer:
    return get_tokenizer(
        network.is_multilingual,
        num_languages=network.num_languages,
        language=language,
        task="transcribe",
    )


def segments(
    tokens: Sequence[int], seek: int, frames: int, tokenizer: Tokenizer
) -> list[dict[str, Any]]:
    """The pieces between pairs of timestamps in the form that the package gives words times in.

    A piece after the last pair is left to the next window, unless a single timestamp closes it.
    """
    offset = seek * HOP_LENGTH / SAMPLE_RATE
    pairs = _pairs(tokens, tokenizer)
    if not pairs:
        last = next((t for t in reversed(tokens) if t >= tokenizer.timestamp_begin), None)
        duration = frames * HOP_LENGTH / SAMPLE_RATE
        if last is not None and last != tokenizer.timestamp_begin:
            duration = _seconds(last, tokenizer)
        return [_segment(tokens, seek, offset, offset + duration, tokenizer)]
    ends = [*pairs, len(tokens)] if _is_closed(tokens, tokenizer) else pairs
    found = []
    for begin, end in zip([0, *ends], ends, strict=False):
        piece = tokens[begin:end]
        start, stop = _seconds(piece[0], tokenizer), _seconds(piece[-1], tokenizer)
        found.append(_segment(piece, seek, offset + start, offset + stop, tokenizer))
    return found


def _segment(
    tokens: Sequence[int], seek: int, start: float, end: float, tokenizer: Tokenizer
) -> dict[str, Any]:
    text = tokenizer.decode([token for token in tokens if token < tokenizer.eot])
    return {"seek": seek, "start": start, "end": end, "text": text, "tokens": list(tokens)}


def _step(tokens: Sequence[int], frames: int, tokenizer: Tokenizer) -> tuple[bool, int]:
    """Whether a single timestamp closes the window, and the frames to go on by."""
    closed = _is_closed(tokens, tokenizer)
    pairs = _pairs(tokens, tokenizer)
    if closed or not pairs:
        return closed, frames
    return closed, (tokens[pairs[-1] - 1] - tokenizer.timestamp_begin) * FRAMES_PER_STEP


def _pairs(tokens: Sequence[int], tokenizer: Tokenizer) -> list[int]:
    """Positions of the second timestamps of pairs."""
    times = [token >= tokenizer.timestamp_begin for token in tokens]
    return [number for number in range(1, len(times)) if times[number - 1] and times[number]]


def _is_closed(tokens: Sequence[int], tokenizer: Tokenizer) -> bool:
    """Whether the last token, and not the one before, is a timestamp: nobody speaks after it."""
    return [token >= tokenizer.timestamp_begin for token in tokens[-2:]] == [False, True]


def _seconds(token: int, tokenizer: Tokenizer) -> float:
    return (token - tokenizer.timestamp_begin) * FRAMES_PER_STEP * HOP_LENGTH / SAMPLE_RATE


def _word(word: Mapping[str, Any]) -> Word:
    return Word(
        word["word"].strip(), float(word["start"]), float(word["end"]), float(word["probability"])
    )

"""What an aligner found of a transcript's words, checked and brought into the form of a transcript.

A word has a time, or none: then it is a point (its end is its start) at the end of the last word
before it that has one, and no step of another stream belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Transcript
from mmser.core.errors import MmserError
from mmser.core.utterance import Word
from mmser.core.words import spoken_words
from mmser.media.silence import sounding

LEAST_SECONDS = 0.1
"""Sound shorter than any word: nothing is aligned to it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an aligner puts a word: seconds from the start, and its confidence (0 to 1)."""

    start: float
    end: float
    confidence: float


def alignable(waveform: np.ndarray, text: str) -> bool:
    """Whether there are words, and sound in which they could be: waveform (sample,)."""
    is_long_enough = len(waveform) >= LEAST_SECONDS * SAMPLE_RATE
    return bool(spoken_words(text)) and is_long_enough and len(sounding(waveform)) > 0


def without_times(text: str, source: str) -> Transcript:
    """The transcript with every word as a point at the start."""
    words = tuple(Word(word, 0.0, 0.0) for word in spoken_words(text))
    return Transcript(text, source, words)


def with_times(
    text: str, source: str, placed: Sequence[Placed | None], waveform: np.ndarray
) -> Transcript:
    """The transcript with the times in ``placed``, one for each of its `spoken_words`.

    None is a word that the aligner did not find. Of a span the longest part between two pauses of
    the sound is kept; a word of which nothing is left, or that lies wholly before the end of the
    word before it, is without a time. Raises MmserError where an aligner broke its promise: another
    number of words, or times that are no numbers.
    """
    written = spoken_words(text)
    if len(placed) != len(written) or not all(_is_finite(each) for each in placed if each):
        raise MmserError(
            f"a time for each of {len(written)} words",
            f"{len(placed)} from {source}, or times that are no numbers",
            "Report it, with the recording.",
        )
    stretches = sounding(waveform)
    words, reached = [], 0.0
    for word, place in zip(written, placed, strict=True):
        span = _heard(place, reached, stretches) if place else None
        confidence = place.confidence if place else None
        start, end = span or (reached, reached)
        words.append(Word(word, start, end, confidence))
        reached = end
    return Transcript(text, source, tuple(words))


def _heard(place: Placed, reached: float, stretches: np.ndarray) -> tuple[float, float] | None:
    """The longest part of a word's span, from ``reached`` on, in which there is sound."""
    starts = np.maximum(stretches[:, 0], max(place.start, reached))
    ends = np.minimum(stretches[:, 1], place.end)
    lengths = ends - starts
    longest = int(np.argmax(lengths)) if len(lengths) else -1
    if longest < 0 or lengths[longest] <= 0:
        return None
    return float(starts[longest]), float(ends[longest])


def _is_finite(place: Placed) -> bool:
    return bool(np.isfinite([place.start, place.end, place.confidence]).all())

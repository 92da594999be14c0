"""Words of a transcript and, where the transcript knows them, their time spans."""

from __future__ import annotations

import numpy as np

from mmser.core.clip import Transcript
from mmser.core.words import words_of


def spans_of(transcript: Transcript) -> np.ndarray | None:
    """(word, 2) float32 start and end in seconds of each word of ``words_of(transcript.text)``.

    None unless the timed words of the transcript, normalised and split in the same way, are as many
    as its words. Several words under one time ("well -- no") share it.
    """
    spans: list[tuple[float, float]] = []
    for word in transcript.words:
        spans += [(word.start, word.end)] * len(words_of(word.text))
    if not spans or len(spans) != len(words_of(transcript.text)):
        return None
    return np.asarray(spans, dtype=np.float32)


def span_of(transcript: Transcript) -> np.ndarray | None:
    """(1, 2) seconds from the first word's start to the last word's end, where they are known."""
    spans = spans_of(transcript)
    return None if spans is None else np.array([[spans[0, 0], spans[-1, 1]]], dtype=np.float32)

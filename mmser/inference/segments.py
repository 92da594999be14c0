"""Where somebody speaks, by voice activity (Silero) while the sound streams by.

Without sound: windows. Memory does not grow with the recording: the detector keeps a state and half
a second of context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import MmserError
from mmser.core.utterance import FaceSide

CHUNK = 512
"""Samples the detector judges at a time (32 ms)."""

SPEECH = 0.5
SILENCE = 0.35
"""Probabilities of speech at which it begins and ends."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Seconds from the start of the recording.

    A ``whole`` one is decoded as a corpus's own file is, without a cut. ``text`` are its words and
    ``face_side`` the half of the picture, where a user stated them.
    """

    start: float
    end: float
    whole: bool = False
    text: str | None = None
    face_side: FaceSide | None = None


def speech_segments(
    blocks: Iterable[tuple[int, np.ndarray]],
    probability: Callable[[np.ndarray], float],
    pause: float = 0.4,
    shortest: float = 0.3,
    longest: float = 15.0,
    margin: float = 0.1,
) -> list[Segment]:
    """Stretches of speech that a ``pause`` (s) ends.

    Longer ones are cut at ``longest``, shorter ones dropped. ``blocks`` are (first sample, samples
    (sample,)), ``probability`` judges one chunk (`CHUNK`,). ``margin`` seconds are added on both
    sides, never into a neighbour.
    """
    spans: list[tuple[float, float]] = []
    # Start of the stretch that is open, None in silence, and the end of its last chunk of speech.
    start: float | None = None
    last = 0.0
    for at, chunk in _chunks(blocks):
        begin, end = at / SAMPLE_RATE, (at + CHUNK) / SAMPLE_RATE
        score = probability(chunk)
        if start is None:
            if score >= SPEECH:
                start, last = begin, end
            continue
        if score >= SILENCE:
            last = end
        if begin - last >= pause or last - start >= longest:
            spans.append((start, last))
            start = None
    if start is not None:
        spans.append((start, last))
    return _widened([span for span in spans if span[1] - span[0] >= shortest], margin)


def windows(seconds: float, length: float) -> list[Segment]:
    """The whole recording in windows of ``length`` s.

    A last one shorter than half of that joins its neighbour.
    """
    count = max(1, round(seconds / length))
    edges = [*(np.arange(count) * length), seconds]
    return [Segment(float(a), float(b)) for a, b in pairwise(edges) if b > a]


def load_detector() -> Callable[[np.ndarray], float]:
    """Silero's voice activity detector, whose weights come with its package.

    It judges the chunks of one recording in order. Raises MmserError when the package is not
    installed.
    """
    try:
        from silero_vad import load_silero_vad
    except ModuleNotFoundError as error:
        raise MmserError(
            "the voice activity detector silero-vad",
            "no such package",
            "Run: pip install 'mmser[vad]'",
        ) from error
    import torch

    model: Any = load_silero_vad()
    model.reset_states()

    def probability(chunk: np.ndarray) -> float:
        with torch.inference_mode():
            return float(model(torch.from_numpy(chunk), SAMPLE_RATE))

    return probability


def _chunks(blocks: Iterable[tuple[int, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
    """(first sample, (`CHUNK`,)) of the whole sound.

    A gap in the track is silent; the last chunk is filled up with silence.
    """
    # ``rest`` are the samples from ``at`` on that do not fill a chunk yet.
    rest, at = np.zeros(0, np.float32), 0
    for position, samples in blocks:
        gap = position - (at + len(rest))
        if gap > 0:
            # A second of silence ends any stretch of speech; the rest of a longer gap need not be
            # judged.
            rest = np.concatenate([rest, np.zeros(min(gap, SAMPLE_RATE), np.float32)])
        if gap > SAMPLE_RATE:
            yield from _whole_chunks(rest, at)
            rest, at = np.zeros(0, np.float32), position
        rest = np.concatenate([rest, samples])
        yield from _whole_chunks(rest, at)
        whole = len(rest) - len(rest) % CHUNK
        rest, at = rest[whole:], at + whole
    if len(rest):
        yield at, np.pad(rest, (0, CHUNK - len(rest)))


def _whole_chunks(samples: np.ndarray, at: int) -> Iterator[tuple[int, np.ndarray]]:
    """The chunks that ``samples`` fill, from sample number ``at`` on."""
    for first in range(0, len(samples) - CHUNK + 1, CHUNK):
        yield at + first, samples[first : first + CHUNK]


def _widened(spans: list[tuple[float, float]], margin: float) -> list[Segment]:
    """The spans with a margin on both sides, at most half of the way to a neighbour."""
    segments = []
    for place, (start, end) in enumerate(spans):
        before = spans[place - 1][1] if place else 0.0
        after = spans[place + 1][0] if place + 1 < len(spans) else np.inf
        low = max(start - margin, (before + start) / 2 if place else 0.0)
        segments.append(Segment(float(low), float(min(end + margin, (end + after) / 2))))
    return segments

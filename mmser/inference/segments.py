"""Where somebody speaks: voice activity (Silero) while the sound streams by, or windows where there
is no sound.

Memory does not grow with the recording: the detector keeps a state and half a second of context.
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
    ``face_side`` the half of the picture where somebody has said so.
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
    """Stretches of speech that a ``pause`` (s) ends; longer ones are cut at ``longest``, shorter
    ones dropped.

    ``blocks`` are (first sample, samples (sample,)), ``probability`` judges one chunk (`CHUNK`,).
    ``margin`` seconds are added on both sides, never into a neighbour.
    """
    spoken: list[tuple[float, float]] = []
    start: float | None = None
    last = 0.0
    for at, chunk in _chunks(blocks):
        begin, end = at / SAMPLE_RATE, (at + CHUNK) / SAMPLE_RATE
        heard = probability(chunk)
        if start is None:
            if heard >= SPEECH:
                start, last = begin, end
            continue
        if heard >= SILENCE:
            last = end
        if begin - last >= pause or last - start >= longest:
            spoken.append((start, last))
            start = None
    if start is not None:
        spoken.append((start, last))
    return _widened([span for span in spoken if span[1] - span[0] >= shortest], margin)


def windows(seconds: float, length: float) -> list[Segment]:
    """The whole recording in windows of ``length`` s; a last one shorter than half of that joins
    its neighbour.
    """
    edges = [*(np.arange(max(1, round(seconds / length))) * length), seconds]
    return [Segment(float(a), float(b)) for a, b in pairwise(edges) if b > a]


def load_detector() -> Callable[[np.ndarray], float]:
    """Silero's voice activity detector, whose wheel carries its weights; judges chunks of one
    recording in order.

    Raises MmserError when the package is not installed.
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
    """(first sample, (`CHUNK`,)); a gap in the track is silent, the last chunk is filled up with
    silence.
    """
    held, at = np.zeros(0, np.float32), 0
    for position, samples in blocks:
        gap = position - (at + len(held))
        if gap > 0:
            # A second of silence ends any stretch of speech; the rest of a longer gap need not be
            # judged.
            held = np.concatenate([held, np.zeros(min(gap, SAMPLE_RATE), np.float32)])
        whole = len(held) - len(held) % CHUNK if gap > SAMPLE_RATE else 0
        yield from ((at + first, held[first : first + CHUNK]) for first in range(0, whole, CHUNK))
        if gap > SAMPLE_RATE:
            held, at = np.zeros(0, np.float32), position
        held = np.concatenate([held, samples])
        whole = len(held) - len(held) % CHUNK
        yield from ((at + first, held[first : first + CHUNK]) for first in range(0, whole, CHUNK))
        held, at = held[whole:], at + whole
    if len(held):
        yield at, np.pad(held, (0, CHUNK - len(held)))


def _widened(spans: list[tuple[float, float]], margin: float) -> list[Segment]:
    segments = []
    for place, (start, end) in enumerate(spans):
        before = spans[place - 1][1] if place else 0.0
        after = spans[place + 1][0] if place + 1 < len(spans) else np.inf
        low = max(start - margin, (before + start) / 2 if place else 0.0)
        segments.append(Segment(float(low), float(min(end + margin, (end + after) / 2))))
    return segments

"""Three alignments of the streams of an utterance: `native`, `word` and `grid`.

native  every stream at its own rate; nothing is touched.
word    every stream pooled over the time span of each word of the reference stream (the one with
        word times): the mean of the steps that overlap the span, weighted by the seconds of
        overlap. A word that no step overlaps is masked.
grid    every stream on one frame rate: the same weighted mean over each grid cell, so that words
        repeat over their spans; a stream slower than the grid is interpolated linearly between the
        centres of its steps. A cell outside every step (silence between words) is masked. The grid
        lies at whole multiples of its period and runs from the first step of any stream to the
        last.

Whole numbers (word indices) cannot be averaged: the step with the longest overlap is taken. Masked
steps take part in nothing. The time axis of every aligned stream of an utterance has the same
length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.checks import check_choice
from mmser.data.sample import Sample, Track
from mmser.settings.data import ALIGNMENTS, Alignment

FASTEST_FRAMES = 1000.0
"""Hz; a faster track is a waveform, which has no frames to pool."""
LEAST_OVERLAP = 1e-5
"""Seconds; less is rounding of float32 spans, not speech."""


@dataclass(frozen=True, slots=True)
class StreamAlignment:
    """Which of the three alignments; raises UsageError for a ``kind`` that there is not.

    ``grid_rate`` is the steps per second of kind "grid"; ``word_stream`` names the stream that
    carries the word times of kind "word" (None: the first stream that has any).
    """

    kind: Alignment = "native"
    grid_rate: float = 10.0
    word_stream: str | None = None

    def __post_init__(self) -> None:
        check_choice("alignment", self.kind, ALIGNMENTS)

    @property
    def is_shared(self) -> bool:
        """Whether all streams of an utterance have one time axis."""
        return self.kind != "native"


NATIVE = StreamAlignment()
"""Every stream at its own rate."""


def pool(track: Track, spans: np.ndarray) -> Track:
    """Pool ``track`` over ``spans`` (span, 2) seconds: one step per span, masked where none is.

    Overlap-weighted mean; for whole numbers the value of the longest overlap.
    """
    overlap = _overlap(_times(track), spans)  # (span, time)
    if track.mask is not None:
        overlap = overlap * track.mask[None, :]
    total = overlap.sum(axis=1)
    is_real = np.asarray(total > 0)
    if np.issubdtype(track.values.dtype, np.integer):
        values = track.values[overlap.argmax(axis=1)] if len(track) else _blank(track, len(spans))
        values = np.where(_expand(is_real, values), values, 0)
    else:
        weights = (overlap / np.where(is_real, total, 1.0)[:, None]).astype(np.float32)
        values = _weighted(weights, track)
    return Track(values, spans=spans.astype(np.float32), mask=is_real)


def interpolate(track: Track, centres: np.ndarray) -> Track:
    """Linear interpolation of a float track at ``centres`` (cell,) seconds.

    Cells outside the real steps are masked.
    """
    times = _times(track)
    real = np.ones(len(track), bool) if track.mask is None else track.mask
    if not real.any():
        return Track(_blank(track, len(centres)), mask=np.zeros(len(centres), bool))
    times, rows = times[real], np.flatnonzero(real)
    middle = times.mean(axis=1)
    # The real steps on both sides of each centre; at the ends they are one and the same step.
    right = np.searchsorted(middle, centres).clip(0, len(middle) - 1)
    left = (right - 1).clip(0)
    gap = middle[right] - middle[left]
    distance = centres - middle[left]
    share = np.where(gap > 0, distance / np.where(gap > 0, gap, 1.0), 0.0).clip(0.0, 1.0)
    weights = _expand(share, track.values).astype(np.float32)
    values = (1 - weights) * track.values[rows[left]] + weights * track.values[rows[right]]
    begun = centres[:, None] >= times[None, :, 0] - 1e-9  # (cell, time)
    not_ended = centres[:, None] <= times[None, :, 1] + 1e-9
    return Track(values.astype(np.float32), mask=(begun & not_ended).any(axis=1))


def align(sample: Sample, alignment: StreamAlignment) -> Sample:
    """The sample with its streams aligned.

    An utterance whose word stream is absent becomes one step covering all of it. A word stream
    without word times (the aligner failed on this utterance) has its words spread evenly over the
    utterance.
    """
    if not alignment.is_shared:
        return sample
    duration = _duration(sample)
    streams = {name: _timed(track, duration) for name, track in sample.streams.items()}
    if alignment.kind == "grid":
        return replace(sample, streams=_to_grid(streams, duration, alignment.grid_rate))
    words = streams[alignment.word_stream] if alignment.word_stream is not None else None
    whole = np.array([[0.0, duration]])
    spans = _times(words) if words is not None and len(words) else whole
    pooled: dict[str, Track | None] = {}
    for name, track in streams.items():
        if track is None or name == alignment.word_stream:
            pooled[name] = sample.streams[name]
        else:
            pooled[name] = pool(track, spans)
    return replace(sample, streams=pooled)


def _to_grid(
    streams: Mapping[str, Track | None], duration: float, rate: float
) -> dict[str, Track | None]:
    starts = [times[0, 0] for times in _stated_times(streams) if len(times)]
    first = int(np.floor(min(starts, default=0.0) * rate + 1e-6))
    last = max(first + 1, int(np.ceil(duration * rate - 1e-6)))
    edges = np.arange(first, last + 1) / rate
    spans = np.stack([edges[:-1], edges[1:]], axis=1)
    resampled: dict[str, Track | None] = {}
    for name, track in streams.items():
        if track is None:
            resampled[name] = None
        elif track.frame_rate is not None and track.frame_rate < rate and _is_float(track):
            resampled[name] = interpolate(track, spans.mean(axis=1))
        else:
            resampled[name] = pool(track, spans)
    return resampled


def _overlap(times: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """(span, time) seconds of overlap."""
    overlap = np.minimum(spans[:, None, 1], times[None, :, 1])
    overlap -= np.maximum(spans[:, None, 0], times[None, :, 0])
    overlap[overlap < LEAST_OVERLAP] = 0.0
    return overlap


def _weighted(weights: np.ndarray, track: Track) -> np.ndarray:
    """(span, time) x (time, *feature) -> (span, *feature); masked steps count nothing."""
    values = track.values.astype(np.float32, copy=False)
    if track.mask is not None:
        values = np.where(_expand(track.mask, values), values, np.float32(0))
    flat = values.reshape(len(values), -1)
    return (weights @ flat).reshape(len(weights), *values.shape[1:])


def _duration(sample: Sample) -> float:
    """Seconds: the end of the last step of any track, else by the manifest, else one second."""
    ends = [times[-1, 1] for times in _stated_times(sample.streams) if len(times)]
    if ends:
        return float(max(ends))
    return sample.duration or 1.0


def _stated_times(streams: Mapping[str, Track | None]) -> list[np.ndarray]:
    all_times = [track.times() for track in streams.values() if track is not None]
    return [times for times in all_times if times is not None]


def _timed(track: Track | None, duration: float) -> Track | None:
    """The track with its times as spans; without times its steps are spread over the utterance.

    Raises MmserError for a waveform.
    """
    if track is None:
        return None
    if (track.frame_rate or 0.0) > FASTEST_FRAMES:
        raise MmserError(
            "frame features in every stream of alignment=word or grid",
            f"a stream of {track.frame_rate:g} steps per second",
            "Use alignment=native for waveforms, or extract frames.",
        )
    times = track.times()
    if times is None:
        edges = np.linspace(0.0, duration, len(track) + 1)
        times = np.stack([edges[:-1], edges[1:]], axis=1)
    return replace(track, spans=times)


def _times(track: Track) -> np.ndarray:
    times = track.times()
    if times is None:
        raise MmserError(
            "a track with a frame rate or spans",
            "neither",
            "Extract it with times, or use alignment=native.",
        )
    return times


def _expand(array: np.ndarray, like: np.ndarray) -> np.ndarray:
    return array.reshape(array.shape + (1,) * (like.ndim - 1))


def _blank(track: Track, steps: int) -> np.ndarray:
    return np.zeros((steps, *track.values.shape[1:]), track.values.dtype)


def _is_float(track: Track) -> bool:
    return np.issubdtype(track.values.dtype, np.floating)

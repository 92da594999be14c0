"""What a recording looks like: the envelope of its sound, and a few pictures of a film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.inference.attended import Curve
from mmser.inference.recording import Recording, clips_of, open_recording
from mmser.media.container import MediaFault
from mmser.media.decoder import Decoder, DecoderDeath

BINS = 500
"""Columns of an envelope: more than a picture of it shows."""

PICTURES = 8
"""Pictures of a film strip."""

PICTURE_HEIGHT = 72
"""Pixels of each."""

LONGEST_FILM = 600.0
"""Seconds of film that are decoded for its strip; of a longer one the sound alone is drawn."""

SHORTEST_BIN = SAMPLE_RATE // 200
"""Samples: two maxima in 10 ms tell one from the next in no picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """``loudest`` is the largest magnitude (bin,) in equal parts of ``seconds``, None: no sound.

    ``pictures`` are RGB (height, width, 3) uint8 from the middles of equal parts. ``attention`` is
    what a system attends to over time: {stream: curves of segments}.
    """

    seconds: float
    loudest: np.ndarray | None = None
    pictures: tuple[np.ndarray, ...] = ()
    attention: Mapping[str, Sequence[Curve]] = field(default_factory=dict)


def glimpse(path: str | Path, decoder: Decoder | None = None) -> Glimpse:
    """Read a recording once more for its look. What cannot be decoded is left out."""
    try:
        recording = open_recording(path, decoder)
    except MmserError:
        return Glimpse(0.0)
    loudest = _loudest(recording) if recording.audio else None
    is_short = recording.video and 0 < recording.seconds <= LONGEST_FILM
    return Glimpse(recording.seconds, loudest, _pictures(recording) if is_short else ())


def _loudest(recording: Recording) -> np.ndarray | None:
    length = max(SHORTEST_BIN, round(recording.seconds * SAMPLE_RATE / BINS))
    loudest = np.zeros(int(recording.seconds * SAMPLE_RATE) // length + 1, "float32")
    try:
        for position, samples in recording.decoder.sound(recording.path):
            bins = (position + np.arange(len(samples))) // length
            # Sound beyond the stated end is none of the picture's.
            inside = bins < len(loudest)
            np.maximum.at(loudest, bins[inside], np.abs(np.nan_to_num(samples[inside])))
    except (MediaFault, DecoderDeath):
        return None
    return loudest


def _pictures(recording: Recording) -> tuple[np.ndarray, ...]:
    """One picture from the middle of each part, scaled down at once."""
    part = recording.seconds / PICTURES
    span = min(0.5, part / 2)
    wanted = []
    for number in range(PICTURES):
        start = (number + 0.5) * part - span / 2
        utterance = Utterance(
            f"{number}", "", "", start=start, end=start + span, video_path=recording.path
        )
        wanted.append(utterance)
    found: dict[int, np.ndarray] = {}
    try:
        for clip in clips_of(
            recording, wanted, want_audio=False, want_frames=True, frame_rate=1 / span
        ):
            if clip.frames is not None:
                found[int(clip.id)] = _scaled(clip.frames[0])
    except MmserError:
        return ()
    # A strip with a hole would show its pictures at the wrong times.
    return tuple(found[number] for number in range(PICTURES)) if len(found) == PICTURES else ()


def _scaled(picture: np.ndarray) -> np.ndarray:
    from PIL import Image

    image = Image.fromarray(picture)
    width = max(1, round(image.width * PICTURE_HEIGHT / image.height))
    return np.asarray(image.resize((width, PICTURE_HEIGHT), Image.Resampling.BILINEAR))

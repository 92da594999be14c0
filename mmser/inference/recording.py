"""A recording through a decoder, in this process or in one of its own; what goes wrong is one error
about the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip
from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.media.container import MediaFault
from mmser.media.decoder import Decoder, DecoderDeath, Here


@dataclass(frozen=True, slots=True)
class Recording:
    """``seconds`` is the end of the last packet of either track."""

    path: Path
    audio: bool
    video: bool
    seconds: float
    decoder: Decoder | Here


def open_recording(path: str | Path, decoder: Decoder | Here | None = None) -> Recording:
    """Look at a file's tracks; nothing is decoded. Raises MmserError when it is no media file or
    has neither track.

    ``decoder`` is asked for all that follows (None: this process decodes).
    """
    path, decoder = Path(path), decoder or Here()
    with _told(path):
        tracks = decoder.tracks(path)
    return Recording(path, tracks.audio, tracks.video, tracks.seconds, decoder)


def sound_blocks(recording: Recording) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first sample at 16 kHz, samples (sample,) float32) from the beginning to the
    end.

    Raises MmserError at the first sample that is NaN or infinite: a detector would hear nothing
    from there on.
    """
    with _told(recording.path):
        for position, samples in recording.decoder.sound(recording.path):
            broken = ~np.isfinite(samples)
            if broken.any():
                at = (position + int(broken.argmax())) / SAMPLE_RATE
                raise MmserError(
                    f"finite sound in {recording.path.name}",
                    f"not finite: the audio holds NaN or infinite samples, the first at {at:.2f} s",
                    "Repair the file, or name the parts to judge with --segments.",
                )
            yield position, samples


def clips_of(
    recording: Recording, utterances: Sequence[Utterance], **options: Any
) -> Iterator[Clip]:
    """`mmser.media.decode.stream_clips` of utterances of the recording."""
    with _told(recording.path):
        yield from recording.decoder.clips(utterances, **options)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except MediaFault as fault:
        raise MmserError(
            f"a video or sound file at {path}", f"{fault}", "Give one that a player can play."
        ) from fault
    except DecoderDeath as death:
        remedy = "Give another copy, or convert it first."
        raise MmserError(
            f"a video or sound file at {path}", f"one over which the decoder died: {death}", remedy
        ) from death

"""A recording through a decoder, in this process or in one of its own.

Any fault becomes one error about the file.
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
from mmser.media.browser import media_type
from mmser.media.container import MediaFault
from mmser.media.decoder import Decoder, DecoderDeath, Here


@dataclass(frozen=True, slots=True)
class Recording:
    """A file with its tracks; ``seconds`` is the end of the last packet of either track.

    ``media_type`` is how browsers play it, empty where some do not.
    """

    path: Path
    audio: bool
    video: bool
    seconds: float
    decoder: Decoder | Here
    media_type: str = ""


def open_recording(path: str | Path, decoder: Decoder | Here | None = None) -> Recording:
    """Read a file's tracks; nothing is decoded.

    Raises MmserError when it is no media file or has neither track. ``decoder`` is asked for all
    that follows (None: this process decodes).
    """
    path, decoder = Path(path), decoder or Here()
    with _faults_named(path):
        tracks = decoder.tracks(path)
    played = media_type(tracks)
    return Recording(path, tracks.audio, tracks.video, tracks.seconds, decoder, played)


def sound_blocks(recording: Recording) -> Iterator[tuple[int, np.ndarray]]:
    """The sound of a recording from the beginning to the end, block by block.

    A block is the number of its first sample at 16 kHz and its samples (sample,) float32. Raises
    MmserError at the first sample that is NaN or infinite: a detector would find nothing from there
    on.
    """
    with _faults_named(recording.path):
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
    with _faults_named(recording.path):
        yield from recording.decoder.clips(utterances, **options)


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    try:
        yield
    except MediaFault as fault:
        raise MmserError(
            f"a video or sound file at {path}", f"{fault}", "Give one that a player can play."
        ) from fault
    except DecoderDeath as death:
        remedy = "Give another copy, or convert it first."
        raise MmserError(
            f"a video or sound file at {path}", f"one on which the decoder crashed: {death}", remedy
        ) from death

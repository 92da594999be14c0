"""Which parts of a recording are judged.

The whole of it, the user's segments, stretches of speech, or windows.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import MmserError
from mmser.extraction.progress import Progress
from mmser.inference.recording import Recording, sound_blocks
from mmser.inference.segments import Segment, load_detector, speech_segments, windows
from mmser.inference.training_lengths import TrainingLengths
from mmser.media.cuts import MISSING_SECONDS
from mmser.media.silence import SILENCE_PEAK

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cutting:
    """How a recording is cut into segments.

    ``whole``: it is one utterance. ``segments``: these and no others, as they are. Otherwise one no
    longer than the longest training utterance is one utterance, and a longer one is cut into
    stretches of speech of ``longest`` seconds at most, or ``window`` seconds where there is no
    speech.
    """

    whole: bool = False
    segments: tuple[Segment, ...] | None = None
    window: float = 5.0
    longest: float = 15.0


def find_segments(
    recording: Recording,
    picture: bool,
    cutting: Cutting,
    lengths: TrainingLengths | None,
    show_progress: bool = False,
) -> list[Segment]:
    """The segments of one recording, in order.

    ``picture`` says that the faces are read, so that a recording without sound is judged as well;
    ``show_progress`` is for a long one. Raises MmserError when the sound is silent and there is no
    picture, or holds samples that are no numbers, and when one of the user's segments lies outside
    the recording.
    """
    if cutting.segments is not None:
        return [_inside(segment, recording) for segment in cutting.segments]
    if cutting.whole or (lengths is not None and lengths.holds(recording.seconds)):
        return [Segment(0.0, recording.seconds, whole=True)]
    if not recording.audio:
        return _windows(recording, recording.seconds, cutting)
    peak = _Peak()
    title = f"{recording.path.name}: speech"
    with (
        Progress(title, round(recording.seconds), show_progress, "s") as bar,
        closing(peak.watch(recording, bar)) as blocks,
    ):
        speech = speech_segments(blocks, load_detector(), longest=cutting.longest)
    if speech:
        # The last chunk that is judged may reach beyond the end.
        return [replace(segment, end=min(segment.end, peak.seconds)) for segment in speech]
    return _without_speech(recording, picture, peak, cutting)


def _without_speech(
    recording: Recording, picture: bool, peak: _Peak, cutting: Cutting
) -> list[Segment]:
    name = recording.path.name
    if not picture and peak.value < SILENCE_PEAK:
        peak_text = f"none: its loudest sample is {peak.value:.1e} of full scale"
        remedy = "Check the sound, or give another recording."
        raise MmserError(f"speech in {name}", peak_text, remedy)
    seconds = max(recording.seconds, peak.seconds)
    if picture or seconds > cutting.longest:
        _log.info("%s: no speech was found: judged in windows of %g s", name, cutting.window)
        return _windows(recording, seconds, cutting)
    _log.info("%s: no speech was found: judged as a whole", name)
    return [Segment(0.0, seconds, whole=True)]


def _windows(recording: Recording, seconds: float, cutting: Cutting) -> list[Segment]:
    if not seconds > 0:
        length = f"{recording.path.name} with {seconds:g} s"
        raise MmserError("a recording longer than 0 s", length, "Repair it, or choose another one.")
    return windows(seconds, cutting.window)


class _Peak:
    """The loudest sample and the end of the sound that passes through `watch`."""

    def __init__(self) -> None:
        self.value, self.seconds = 0.0, 0.0

    def watch(self, recording: Recording, bar: Progress) -> Generator[tuple[int, np.ndarray]]:
        for position, samples in sound_blocks(recording):
            self.value = max(self.value, float(np.abs(samples).max(initial=0.0)))
            before, self.seconds = self.seconds, (position + len(samples)) / SAMPLE_RATE
            bar.step(int(self.seconds) - int(before))
            yield position, samples


def _inside(segment: Segment, recording: Recording) -> Segment:
    """A user's segment, ended at the end of the recording.

    It may end later by no more than an annotator's rounding.
    """
    seconds = recording.seconds
    if segment.whole:
        return replace(segment, end=seconds)
    if segment.end > seconds + MISSING_SECONDS or segment.start >= seconds:
        raise MmserError(
            f"segments inside {recording.path.name}, which is {seconds:.2f} s long",
            f"one from {segment.start:g} to {segment.end:g} s",
            "Correct the table of segments.",
        )
    return replace(segment, end=min(segment.end, seconds))

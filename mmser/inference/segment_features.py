"""The features of each segment of a recording, decoded in one pass over it."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from mmser.core.clip import SAMPLE_RATE, Clip, Transcript
from mmser.core.contracts import Transcriber
from mmser.core.printable import printable
from mmser.core.utterance import Utterance
from mmser.extraction.batches import by_length
from mmser.inference.reader import Reader
from mmser.inference.recording import Recording, clips_of
from mmser.inference.segments import Segment
from mmser.inference.voting import Streams

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """One recording, which segments of it are judged, and by which modalities.

    ``shown`` says whether progress is.
    """

    reader: Reader
    recording: Recording
    segments: Sequence[Segment]
    readable: frozenset[str]
    transcriber: Transcriber | None
    shown: bool


@dataclass(frozen=True, slots=True)
class SegmentFeatures:
    """One segment, by its place among the segments, with its words and features."""

    place: int
    identifier: str
    text: str
    streams: Streams


def segment_features(
    work: Work, modalities: frozenset[str], streams: Sequence[str] | None = None
) -> Generator[SegmentFeatures]:
    """The features of ``streams`` (None: all that are read) of each segment.

    Each clip is dropped when it is read.
    """
    stem = printable(work.recording.path.stem)
    places = {f"{stem}-{place:04d}": place for place in range(len(work.segments))}
    transcriber = work.transcriber if "text" in modalities else None
    # Another pass over the recording (for its own scale) says nothing that the first does not.
    said: set[str] = set()
    for clip in _clips(work, modalities, transcriber is not None, places):
        for note in set(clip.notes) - said if streams is None else ():
            _log.warning("%s: %s", work.recording.path.name, note)
        said.update(clip.notes)
        place = places[clip.id]
        with_words = _transcribed(clip, work.segments[place], transcriber)
        text = with_words.transcript.text if with_words.transcript else ""
        features = work.reader.features(with_words, streams)
        yield SegmentFeatures(place, clip.id, text, features)


def _clips(
    work: Work, modalities: frozenset[str], transcribes: bool, places: dict[str, int]
) -> Iterator[Clip]:
    rates = {SAMPLE_RATE} if transcribes else set()
    if "audio" in modalities:
        rates.update(work.reader.sample_rates)
    return clips_of(
        work.recording,
        [
            _utterance(identifier, work.recording, work.segments[place])
            for identifier, place in places.items()
        ],
        want_audio=bool(rates),
        sample_rates=sorted(rates),
        want_frames="face" in modalities,
        frame_rate=work.reader.frame_rate,
    )


def _utterance(identifier: str, recording: Recording, segment: Segment) -> Utterance:
    video, audio = (recording.path, None) if recording.video else (None, recording.path)
    start, end = (None, None) if segment.whole else (segment.start, segment.end)
    place = {
        "start": start,
        "end": end,
        "audio_path": audio,
        "video_path": video,
        "face_side": segment.face_side,
    }
    return Utterance(identifier, "recording", "", **place)  # type: ignore[arg-type]


def _transcribed(clip: Clip, segment: Segment, transcriber: Transcriber | None) -> Clip:
    if segment.text is not None:
        return replace(clip, transcript=Transcript(segment.text, "given"))
    if transcriber is None or clip.waveform is None:
        return clip
    (transcript,) = by_length([clip.waveform], len, transcriber.transcribe, _unheard)
    return replace(clip, transcript=transcript)


def _unheard(waveform: object, detail: str) -> Transcript:
    _log.warning("the recogniser broke down: %s", detail)
    return Transcript("", "broken")

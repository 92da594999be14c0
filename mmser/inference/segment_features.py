"""The features of each segment of a recording, decoded in one pass over it."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mmser.core.clip import SAMPLE_RATE, Clip, Dialogue, Transcript, Turn
from mmser.core.contracts import Transcriber
from mmser.core.printable import printable
from mmser.core.utterance import Utterance
from mmser.core.word_sources import Aligner
from mmser.extraction.batches import by_length
from mmser.inference.reader import Reader
from mmser.inference.recording import Recording, clips_of
from mmser.inference.segments import Segment
from mmser.inference.voting import Streams

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """One recording, which segments of it are judged, and by which modalities.

    ``shown`` says whether progress is shown.
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

    Each clip is dropped when it is read; its words stay as the context of later segments.
    """
    stem = printable(work.recording.path.stem)
    places = {f"{stem}-{place:04d}": place for place in range(len(work.segments))}
    transcriber = work.transcriber if "text" in modalities else None
    # A pass for the recording's own scale, over some streams, would repeat the same warnings.
    logs_notes = streams is None
    logged: set[str] = set()
    earlier: dict[int, str] = {}
    aligner = _aligner(work) if "text" in modalities else None
    hears_words = transcriber is not None or aligner is not None
    for clip in _clips(work, modalities, hears_words, places):
        for note in set(clip.notes) - logged if logs_notes else ():
            _log.warning("%s: %s", work.recording.path.name, note)
        logged.update(clip.notes)
        place = places[clip.id]
        with_words = _transcribed(clip, work.segments[place], transcriber, aligner)
        text = with_words.transcript.text if with_words.transcript else ""
        earlier[place] = text
        in_dialogue = replace(with_words, dialogue=_dialogue(earlier, place))
        features = work.reader.features(in_dialogue, streams)
        yield SegmentFeatures(place, clip.id, text, features)


def _dialogue(texts: Mapping[int, str], place: int) -> Dialogue:
    """The segments before ``place`` as its turns, of speakers nobody has named; none after it."""
    before = sorted(number for number in texts if number < place and texts[number].strip())
    return Dialogue(before=tuple(Turn("", texts[number]) for number in before))


def _clips(
    work: Work, modalities: frozenset[str], transcribes: bool, places: dict[str, int]
) -> Iterator[Clip]:
    rates = {SAMPLE_RATE} if transcribes else set()
    if "audio" in modalities:
        rates.update(work.reader.sample_rates)
    utterances = [
        _utterance(identifier, work.recording, work.segments[place])
        for identifier, place in places.items()
    ]
    return clips_of(
        work.recording,
        utterances,
        want_audio=bool(rates),
        sample_rates=sorted(rates),
        want_frames="face" in modalities,
        frame_rate=work.reader.frame_rate,
    )


def _utterance(identifier: str, recording: Recording, segment: Segment) -> Utterance:
    # A file without pictures is sound alone; a whole one has no times, as in a corpus.
    return Utterance(
        identifier,
        corpus="recording",
        speaker="",
        start=None if segment.whole else segment.start,
        end=None if segment.whole else segment.end,
        audio_path=None if recording.video else recording.path,
        video_path=recording.path if recording.video else None,
        face_side=segment.face_side,
    )


def _aligner(work: Work) -> Aligner | None:
    """The run's aligner, where it has one and there are given words for it."""
    has_text = any(segment.text is not None for segment in work.segments)
    return work.reader.aligner if has_text and work.recording.audio else None


def _transcribed(
    clip: Clip, segment: Segment, transcriber: Transcriber | None, aligner: Aligner | None
) -> Clip:
    if segment.text is not None:
        given = Transcript(segment.text, "given")
        if aligner is not None and clip.waveform is not None:
            (given,) = aligner.align([clip.waveform], [segment.text])
        return replace(clip, transcript=given)
    if transcriber is None or clip.waveform is None:
        return clip
    (transcript,) = by_length([clip.waveform], len, transcriber.transcribe, _without_words)
    return replace(clip, transcript=transcript)


def _without_words(waveform: object, detail: str) -> Transcript:
    _log.warning("the recogniser broke down: %s", detail)
    return Transcript("", "broken")

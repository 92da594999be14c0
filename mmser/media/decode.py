"""Media files to `Clip`s, in bounded memory and time.

Each file is read once, sound and pictures in the same pass. Nothing about a file raises: what is
wrong with it is a `Failure` in `Clip.failures`, its ``modality`` saying whether the sound or the
pictures are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Modality
from mmser.core.utterance import Utterance
from mmser.media.container import MediaFault
from mmser.media.cuts import Excerpt
from mmser.media.file_pass import Outcome, Want
from mmser.media.plain_wav import read_media

MAX_SECONDS = 120.0
"""Longest utterance that is decoded unless the caller asks for more."""

_NO_SOUND = MediaFault("no audio track", "the corpus names no audio or video file")
_NO_PICTURES = MediaFault("no video track", "the corpus names no video file")


def decode_clips(
    utterances: Sequence[Utterance],
    want_audio: bool = True,
    want_frames: bool = False,
    frame_rate: float = 3.0,
    max_seconds: float = MAX_SECONDS,
    sample_rates: Sequence[int] = (SAMPLE_RATE,),
) -> list[Clip]:
    """Decode the utterances of one media file, in the order given; see `stream_clips`."""
    numbered = _numbered_clips(
        utterances, want_audio, want_frames, frame_rate, max_seconds, sample_rates
    )
    return [clip for _, clip in sorted(numbered, key=lambda item: item[0])]


def stream_clips(
    utterances: Sequence[Utterance],
    want_audio: bool = True,
    want_frames: bool = False,
    frame_rate: float = 3.0,
    max_seconds: float = MAX_SECONDS,
    sample_rates: Sequence[int] = (SAMPLE_RATE,),
    beat: Callable[[], None] = lambda: None,
) -> Iterator[Clip]:
    """Yield each clip as soon as it is complete: a long video never lies in memory as a whole.

    ``frame_rate`` is in pictures per second, ``max_seconds`` the longest utterance accepted,
    ``sample_rates`` (Hz) are those of the waveforms, each made from the file's own rate. Every file
    that the utterances name is opened once. ``start`` and ``end`` cut the video file, and the audio
    file where it is the same or the only one; an audio file beside another video file belongs to
    its utterance as a whole. ``beat`` is called with every packet: a sign of life.
    """
    for _, clip in _numbered_clips(
        utterances, want_audio, want_frames, frame_rate, max_seconds, sample_rates, beat
    ):
        yield clip


def _numbered_clips(
    utterances: Sequence[Utterance],
    want_audio: bool,
    want_frames: bool,
    frame_rate: float,
    max_seconds: float,
    sample_rates: Sequence[int],
    beat: Callable[[], None] = lambda: None,
) -> Iterator[tuple[int, Clip]]:
    rates = tuple(dict.fromkeys(sample_rates)) if want_audio else ()
    wants, settled = _plan(utterances, rates, want_frames)
    awaited = len(rates) + int(want_frames)
    for row, outcomes in enumerate(settled):
        if len(outcomes) == awaited:
            yield row, _clip(utterances[row], outcomes, frame_rate)
    for path in wants:
        for want, outcome in read_media(path, wants[path], frame_rate, max_seconds, beat):
            outcomes = settled[want.row]
            outcomes[want.modality, want.sample_rate] = outcome
            if len(outcomes) == awaited:
                yield want.row, _clip(utterances[want.row], outcomes, frame_rate)
                # The clip's arrays are its reader's alone from here on.
                settled[want.row] = {}


_Outcomes = dict[tuple[Modality, int | None], Outcome]
"""What became of one utterance's modalities, sound by its sample rate."""


def _plan(
    utterances: Sequence[Utterance], rates: Sequence[int], want_frames: bool
) -> tuple[dict[Path, list[Want]], list[_Outcomes]]:
    """What to take from which file, and of each utterance what is missing before any is opened."""
    wants: dict[Path, list[Want]] = {}
    settled: list[_Outcomes] = [{} for _ in utterances]
    for row, utterance in enumerate(utterances):
        start, end = _sound_span(utterance)
        audio_path = utterance.audio_path or utterance.video_path
        for rate in rates:
            if audio_path:
                sound = Want(row, "audio", start, end, sample_rate=rate)
                wants.setdefault(audio_path, []).append(sound)
            else:
                settled[row]["audio", rate] = _NO_SOUND
        if want_frames and utterance.video_path:
            pictures = Want(row, "face", utterance.start, utterance.end, utterance.face_side)
            wants.setdefault(utterance.video_path, []).append(pictures)
        elif want_frames:
            settled[row]["face", None] = _NO_PICTURES
    # Sound alone first: it is small, so it may wait in memory for the pictures.
    order = sorted(wants, key=lambda path: any(want.modality == "face" for want in wants[path]))
    return {path: wants[path] for path in order}, settled


def _sound_span(utterance: Utterance) -> tuple[float | None, float | None]:
    """Start and end in the file of the sound: an audio file beside another video is taken whole."""
    audio, video = utterance.audio_path, utterance.video_path
    is_own_file = audio is not None and video not in (None, audio)
    return (None, None) if is_own_file else (utterance.start, utterance.end)


def _clip(utterance: Utterance, outcomes: _Outcomes, frame_rate: float) -> Clip:
    excerpts = {key: each for key, each in outcomes.items() if isinstance(each, Excerpt)}
    pictures = excerpts.pop(("face", None), None)
    waveforms = {rate: each.values for (_, rate), each in excerpts.items() if rate is not None}
    # What is wrong with a track is wrong at every rate: said once.
    failures: dict[Modality, Failure] = {}
    for (modality, _), outcome in outcomes.items():
        if isinstance(outcome, MediaFault):
            failure = Failure(utterance.id, outcome.reason, outcome.detail, modality)
            failures.setdefault(modality, failure)
    noted = [each.note for each in outcomes.values() if isinstance(each, Excerpt)]
    return Clip(
        id=utterance.id,
        waveform=waveforms.pop(SAMPLE_RATE, None),
        frames=None if pictures is None else pictures.values,
        frame_rate=None if pictures is None else frame_rate,
        failures=tuple(failures.values()),
        waveforms=waveforms,
        notes=tuple(dict.fromkeys(note for note in noted if note)),
    )

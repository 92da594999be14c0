"""Media files to `Clip`s: each file is read once, sound and pictures in the same pass, with bounded
memory and time.

Nothing about a file raises: what is wrong with it is a `Failure` in `Clip.failures`, its
``modality`` saying whether the sound or the pictures are missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Modality
from mmser.core.utterance import FaceSide, Utterance
from mmser.media.container import (
    MediaFault,
    declared_seconds,
    find_audio,
    find_video,
    open_media,
    origin_seconds,
)
from mmser.media.cuts import AudioCut, FrameCut, Part
from mmser.media.tracks import AudioTrack, VideoTrack

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoStream
    from av.container import InputContainer

MAX_SECONDS = 120.0
"""Longest utterance that is decoded unless the caller asks for more."""

PATIENCE_SECONDS = 120.0
PATIENCE_PER_SECOND = 10.0
"""A file may take the former plus the latter per second of media gone through before it is given
up.
"""


@dataclass(frozen=True, slots=True)
class _Want:
    """One part (sound or pictures) of one utterance, to be had from one file."""

    row: int
    modality: Modality
    start: float | None
    end: float | None
    side: FaceSide | None = None
    sample_rate: int | None = None


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
    """Yield each clip as soon as it is complete, so that a long video never lies in memory as a
    whole.

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
    wants, parts = _plan(utterances, rates, want_frames)
    awaited = len(rates) + int(want_frames)
    for row, done in enumerate(parts):
        if len(done) == awaited:
            yield row, _clip(utterances[row], done, frame_rate)
    for path in wants:
        for want, part in _read(path, wants[path], frame_rate, max_seconds, beat):
            done = parts[want.row]
            done[want.modality, want.sample_rate] = part
            if len(done) == awaited:
                yield want.row, _clip(utterances[want.row], done, frame_rate)
                parts[want.row] = {}


_Done = dict[tuple[Modality, int | None], Part | MediaFault]
"""Parts of one utterance by modality and, for sound, the sample rate."""


def _plan(
    utterances: Sequence[Utterance], rates: Sequence[int], want_frames: bool
) -> tuple[dict[Path, list[_Want]], list[_Done]]:
    """What to take from which file, and the parts known to be missing before any file is opened."""
    wants: dict[Path, list[_Want]] = {}
    parts: list[_Done] = [{} for _ in utterances]
    for row, item in enumerate(utterances):
        own_audio = item.audio_path is not None and item.video_path not in (None, item.audio_path)
        start, end = (None, None) if own_audio else (item.start, item.end)
        audio_path = item.audio_path or item.video_path
        for rate in rates:
            if audio_path:
                wants.setdefault(audio_path, []).append(
                    _Want(row, "audio", start, end, sample_rate=rate)
                )
            else:
                fault = MediaFault("no audio track", "the corpus names no audio or video file")
                parts[row]["audio", rate] = fault
        if want_frames and item.video_path:
            wants.setdefault(item.video_path, []).append(
                _Want(row, "face", item.start, item.end, item.face_side)
            )
        elif want_frames:
            parts[row]["face", None] = MediaFault(
                "no video track", "the corpus names no video file"
            )
    # Sound alone first: it is small, so it may wait in memory for the pictures.
    order = sorted(wants, key=lambda path: any(want.modality == "face" for want in wants[path]))
    return {path: wants[path] for path in order}, parts


def _clip(utterance: Utterance, parts: _Done, frame_rate: float) -> Clip:
    good = {key: part.values for key, part in parts.items() if isinstance(part, Part)}
    frames = good.pop(("face", None), None)
    waveforms = {rate: values for (_, rate), values in good.items() if rate is not None}
    # What is wrong with a track is wrong at every rate: said once.
    failures: dict[Modality, Failure] = {}
    for (modality, _), part in parts.items():
        if isinstance(part, MediaFault):
            failures.setdefault(modality, Failure(utterance.id, part.reason, part.detail, modality))
    notes = dict.fromkeys(
        part.note for part in parts.values() if isinstance(part, Part) and part.note
    )
    return Clip(
        id=utterance.id,
        waveform=waveforms.pop(SAMPLE_RATE, None),
        frames=frames,
        frame_rate=None if frames is None else frame_rate,
        failures=tuple(failures.values()),
        waveforms=waveforms,
        notes=tuple(notes),
    )


def _read(
    path: Path,
    wants: Sequence[_Want],
    frame_rate: float,
    max_seconds: float,
    beat: Callable[[], None],
) -> Iterator[tuple[_Want, Part | MediaFault]]:
    """One pass through one file: each want with its part or with what went wrong."""
    open_wants = list(wants)
    try:
        with open_media(path) as container:
            run = _Pass(container, open_wants, frame_rate, max_seconds, beat)
            for want, part in run.parts():
                open_wants.remove(want)
                yield want, part
    except MediaFault as fault:
        yield from ((want, fault) for want in open_wants)


def _start(want: _Want) -> float:
    """Seconds; a start that is no time is refused by its cut."""
    return want.start if want.start is not None and isfinite(want.start) else 0.0


class _Pass:
    """The packets of one container, dealt out to the cuts of its wants."""

    def __init__(
        self,
        container: InputContainer,
        wants: Sequence[_Want],
        frame_rate: float,
        max_seconds: float,
        beat: Callable[[], None],
    ) -> None:
        self.container, self.beat = container, beat
        self.origin = origin_seconds(container)
        self.tracks: dict[Modality, AudioTrack | VideoTrack] = {}
        self.cuts: dict[_Want, AudioCut | FrameCut] = {}
        self.faults: dict[_Want, MediaFault] = {}
        self.rates = tuple(dict.fromkeys(want.sample_rate for want in wants if want.sample_rate))
        self.begun = time.monotonic()
        for want in sorted(wants, key=_start):
            try:
                self.cuts[want] = self._cut(want, frame_rate, max_seconds)
            except MediaFault as fault:
                self.faults[want] = fault

    def _cut(self, want: _Want, frame_rate: float, max_seconds: float) -> AudioCut | FrameCut:
        stream: AudioStream | VideoStream
        if want.modality == "audio":
            stream = find_audio(self.container)
            self.tracks.setdefault("audio", AudioTrack(stream, self.origin, self.rates))
        else:
            stream = find_video(self.container)
            self.tracks.setdefault("face", VideoTrack(stream, self.origin))
        start = want.start or 0.0
        length = declared_seconds(self.container, stream)
        if want.end is not None:
            expected: float | None = want.end - start
        else:
            expected = None if length is None else length - start
        if want.sample_rate is not None:
            return AudioCut(start, want.end, expected, max_seconds, want.sample_rate)
        return FrameCut(start, want.end, expected, max_seconds, frame_rate, want.side)

    def parts(self) -> Iterator[tuple[_Want, Part | MediaFault]]:
        """Yield every want once, as early as it is settled."""
        yield from self.faults.items()
        if not self.cuts:
            return
        for modality, packet in self._packets():
            yield from self._deal(modality, packet)
            if not self.cuts:
                return
        for modality in self.tracks:
            yield from self._deal(modality, None)
        for want in list(self.cuts):
            yield want, self._settle(want)

    def _packets(self) -> Iterator[tuple[Modality, Packet]]:
        """Packets up to the end of the file, or to where its structure breaks."""
        import av

        modality_of = {track.stream.index: modality for modality, track in self.tracks.items()}
        try:
            for packet in self.container.demux([track.stream for track in self.tracks.values()]):
                self.beat()
                self._check_patience(packet)
                if packet.size:
                    yield modality_of[packet.stream.index], packet
        except av.error.FFmpegError:
            for track in self.tracks.values():
                track.errors += 1

    def _check_patience(self, packet: Packet) -> None:
        at = 0.0 if packet.dts is None else float(packet.dts * packet.time_base) - self.origin
        # A time stamp is the file's own claim; it earns an hour of media at most.
        allowed = PATIENCE_SECONDS + PATIENCE_PER_SECOND * min(max(at, 0.0), 3600.0)
        if time.monotonic() - self.begun > allowed:
            raise MediaFault(
                "too long", f"decoding took more than {allowed:.0f} s and was given up"
            )

    def _deal(
        self, modality: Modality, packet: Packet | None
    ) -> Iterator[tuple[_Want, Part | MediaFault]]:
        for block in self.tracks[modality].blocks(packet):
            for want in self._begun(modality, block.until):
                cut = self.cuts[want]
                try:
                    cut.add(block)  # type: ignore[arg-type] # a track's blocks are its own cuts'
                except MediaFault as fault:
                    del self.cuts[want]
                    yield want, fault
                    continue
                if cut.done:
                    yield want, self._settle(want)

    def _begun(self, modality: Modality, until: float) -> list[_Want]:
        """Those that start before ``until``: an hour has a thousand others, which need not be asked
        at every block.
        """
        begun = takewhile(lambda want: _start(want) < until, self.cuts)
        return [want for want in begun if want.modality == modality]

    def _settle(self, want: _Want) -> Part | MediaFault:
        """Close a cut; a part lost to packets that do not decode is undecodable rather than cut
        off.
        """
        cut, errors = self.cuts.pop(want), self.tracks[want.modality].errors
        try:
            return cut.finish()
        except MediaFault as fault:
            if errors and fault.reason in ("zero length", "truncated"):
                return MediaFault("undecodable", f"{errors} damaged packets; {fault.detail}")
            return fault

"""One pass through one media file: what utterances want of it, cut out as its packets go by.

Every file is opened once. What is wrong with it is a `MediaFault` of each want that it concerns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.clip import Modality
from mmser.core.utterance import FaceSide
from mmser.media.container import (
    MediaFault,
    declared_seconds,
    find_audio,
    find_video,
    open_media,
    origin_seconds,
)
from mmser.media.cuts import AudioCut, Excerpt, FrameCut
from mmser.media.tracks import AudioTrack, VideoTrack

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoStream
    from av.container import InputContainer

PATIENCE_SECONDS = 120.0
PATIENCE_PER_SECOND = 10.0
"""A file may take the former plus the latter per second of media gone through before it is given
up; the time in which nobody waits for it does not count.
"""


@dataclass(frozen=True, slots=True)
class Want:
    """One modality of the utterance number ``row``, to be had from one file; sound at one rate.

    ``start`` and ``end`` are seconds, None those of the file; ``side`` is the speaker's half of the
    picture.
    """

    row: int
    modality: Modality
    start: float | None
    end: float | None
    side: FaceSide | None = None
    sample_rate: int | None = None

    @property
    def start_seconds(self) -> float:
        """The start; one that is no time is refused by its cut."""
        return self.start if self.start is not None and isfinite(self.start) else 0.0


Outcome = Excerpt | MediaFault
"""What becomes of a want."""


def read_file(
    path: Path,
    wants: Sequence[Want],
    frame_rate: float,
    max_seconds: float,
    beat: Callable[[], None],
) -> Iterator[tuple[Want, Outcome]]:
    """One pass through one file: each want with what became of it, as early as it is settled."""
    unsettled = list(wants)
    try:
        with open_media(path) as container:
            file_pass = _FilePass(container, unsettled, frame_rate, max_seconds, beat)
            for want, outcome in file_pass.outcomes():
                unsettled.remove(want)
                asked = time.monotonic()
                yield want, outcome
                # What the caller did with it (recognition, features) is not the decoder's time.
                file_pass.begun += time.monotonic() - asked
    except MediaFault as fault:
        for want in unsettled:
            yield want, fault


class _FilePass:
    """The packets of one container, dealt out to the cuts of its wants."""

    def __init__(
        self,
        container: InputContainer,
        wants: Sequence[Want],
        frame_rate: float,
        max_seconds: float,
        beat: Callable[[], None],
    ) -> None:
        self.container, self.beat = container, beat
        self.origin = origin_seconds(container)
        self.tracks: dict[Modality, AudioTrack | VideoTrack] = {}
        self.cuts: dict[Want, AudioCut | FrameCut] = {}
        self.faults: dict[Want, MediaFault] = {}
        self.rates = tuple(dict.fromkeys(want.sample_rate for want in wants if want.sample_rate))
        self.begun = time.monotonic()
        for want in sorted(wants, key=lambda want: want.start_seconds):
            try:
                self.cuts[want] = self._cut(want, frame_rate, max_seconds)
            except MediaFault as fault:
                self.faults[want] = fault

    def _cut(self, want: Want, frame_rate: float, max_seconds: float) -> AudioCut | FrameCut:
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

    def outcomes(self) -> Iterator[tuple[Want, Outcome]]:
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

    def _deal(self, modality: Modality, packet: Packet | None) -> Iterator[tuple[Want, Outcome]]:
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

    def _begun(self, modality: Modality, until: float) -> list[Want]:
        """The open wants of a modality that start before ``until`` seconds.

        An hour has a thousand others, which need not be asked at every block.
        """
        begun = takewhile(lambda want: want.start_seconds < until, self.cuts)
        return [want for want in begun if want.modality == modality]

    def _settle(self, want: Want) -> Outcome:
        """Close a cut. What is lost to packets that do not decode is undecodable, not cut off."""
        cut, errors = self.cuts.pop(want), self.tracks[want.modality].errors
        try:
            return cut.finish()
        except MediaFault as fault:
            if errors and fault.reason in ("zero length", "truncated"):
                return MediaFault("undecodable", f"{errors} damaged packets; {fault.detail}")
            return fault

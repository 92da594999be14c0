"""Packets of one track in, timed blocks out.

`AudioTrack` gives mono samples at any rate, `VideoTrack` pictures. Packets that cannot be decoded
are counted and skipped; what they leave uncovered is judged by the cuts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, cast

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.media.downmix import DownMix, Mixed
from mmser.media.resampling import Resampler

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet, VideoFrame, VideoStream

GAP_SECONDS = 0.1
"""Time stamps further than this from the running sample count are a gap in the track, nearer ones
are jitter.
"""

RATES = (2_000, 768_000)
MAX_CHANNELS = 64
"""Sample rates in Hz and channel counts beyond these are a damaged header: nothing records them."""


AnyFrame = TypeVar("AnyFrame", "AudioFrame", "VideoFrame")


class _Track(Generic[AnyFrame]):
    """Decodes packets and counts those that fail."""

    def __init__(
        self, stream: AudioStream | VideoStream, origin: float, threads: Literal["AUTO", "NONE"]
    ) -> None:
        stream.codec_context.thread_type = threads
        self.stream, self.origin = stream, origin
        self.errors = 0

    def decode(self, packet: Packet | None) -> Iterator[AnyFrame]:
        """Frames of one packet; None empties the decoder."""
        import av

        try:
            # PyAV types a packet's frames as those of any kind of track.
            yield from cast("list[AnyFrame]", self.stream.codec_context.decode(packet))
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            self.errors += 1

    def time(self, frame: AnyFrame) -> float | None:
        """Seconds from the start of the file, None if the frame carries no time stamp."""
        stamp = frame.pts if frame.pts is not None else frame.dts
        base = frame.time_base or self.stream.time_base
        return None if stamp is None or base is None else float(stamp * base) - self.origin


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Samples of a track at ``rate`` Hz; ``position`` is the first one's number in the file."""

    rate: int
    position: int
    mixed: Mixed

    @property
    def until(self) -> float:
        """Seconds from the start of the file at which it ends."""
        return (self.position + self.mixed.rows.shape[1]) / self.rate


class _Chain:
    """The steps for sound of one form (format, channels, rate): pack, mix, resample."""

    def __init__(self, frame: AudioFrame, rates: Sequence[int], order: Sequence[str]) -> None:
        import av

        self.form, self.source, self.rates = _form(frame), frame.sample_rate, rates
        # Packed: an array of planes holds no more than seven channels, a frame of this format has
        # but one plane.
        self.packer = av.AudioResampler(format="flt")
        own = [channel.name for channel in frame.layout.channels]
        self.mix = DownMix(order if len(order) == len(own) else own)
        self.resamplers: dict[int, Resampler] = {}
        self.last: Mixed | None = None

    def push(self, frame: AudioFrame) -> list[tuple[int, Mixed]]:
        """(rate, the samples that are complete so far).

        Raises FFmpegError or ValueError for a frame that cannot be converted.
        """
        blocks = []
        for packed_frame in self.packer.resample(frame):
            # (1, sample * channel) -> (sample, channel)
            samples = packed_frame.to_ndarray().reshape(-1, packed_frame.layout.nb_channels)
            self.last = self.mix(samples)
            blocks += [
                (rate, replace(self.last, rows=self._at(rate, self.last.rows)))
                for rate in self.rates
            ]
        return blocks

    def flush(self) -> list[tuple[int, Mixed]]:
        """What the resamplers still hold; the next sample begins anew."""
        spent, self.resamplers = self.resamplers, {}
        return [
            (rate, replace(self.last, rows=one.flush()))
            for rate, one in spent.items()
            if self.last is not None
        ]

    def _at(self, rate: int, rows: np.ndarray) -> np.ndarray:
        """(row, sample) at the file's own rate -> at ``rate``; untouched where they agree."""
        if rate == self.source:
            return rows
        if rate not in self.resamplers:
            self.resamplers[rate] = Resampler(self.source, rate, len(rows))
        return self.resamplers[rate].push(rows)


def _listed_order(stream: AudioStream) -> list[str]:
    """The names of the channels where the track lists them in an order of its own, else nothing.

    PyAV below 19 frees such a list twice, which ends the process: the track then goes by the number
    of its channels.
    """
    listed = re.fullmatch(r"(\d+) channels \((.+)\)", stream.codec_context.layout.name)
    if listed is None:
        return []
    stream.codec_context.layout = f"{listed[1]} channels"
    return [channel.partition("@")[0] for channel in listed[2].split("+")]


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


class AudioTrack(_Track["AudioFrame"]):
    """Yields `Sound` at each of the ``rates`` (Hz), each made from the file's own rate."""

    def __init__(
        self, stream: AudioStream, origin: float, rates: Sequence[int] = (SAMPLE_RATE,)
    ) -> None:
        # Starting threads takes longer than decoding a file of speech.
        super().__init__(stream, origin, "NONE")
        self.order = _listed_order(stream)
        self.positions = dict.fromkeys(rates, 0)
        self.chain: _Chain | None = None
        self.seconds = 0.0

    def blocks(self, packet: Packet | None) -> Iterator[Sound]:
        """Sound of one packet; None gives what decoder and resamplers still hold."""
        for frame in self.decode(packet):
            yield from self._heard(frame)
        if packet is None:
            yield from self._drain()

    def _heard(self, frame: AudioFrame) -> Iterator[Sound]:
        import av

        if not (
            RATES[0] <= frame.sample_rate <= RATES[1] and frame.layout.nb_channels <= MAX_CHANNELS
        ):
            self.errors += 1
            return
        time = self.time(frame)
        # A jump back would overwrite what is there, so it is ignored.
        gap = time is not None and time - self.seconds > GAP_SECONDS
        if gap or self.chain is None or self.chain.form != _form(frame):
            yield from self._drain()
            self._go_on(time if time is not None and gap else self.seconds)
        if self.chain is None or self.chain.form != _form(frame):
            self.chain = _Chain(frame, tuple(self.positions), self.order)
        frame.pts = None
        try:
            blocks = self.chain.push(frame)
        except (av.error.FFmpegError, ValueError):
            self.errors += 1
            return
        self.seconds += frame.samples / frame.sample_rate
        yield from self._placed(blocks)

    def _go_on(self, seconds: float) -> None:
        """The next sample belongs at ``seconds`` of the file."""
        self.seconds = seconds
        self.positions = {
            rate: max(at, round(seconds * rate)) for rate, at in self.positions.items()
        }

    def _drain(self) -> Iterator[Sound]:
        if self.chain is not None:
            yield from self._placed(self.chain.flush())

    def _placed(self, blocks: Sequence[tuple[int, Mixed]]) -> Iterator[Sound]:
        for rate, mixed in blocks:
            yield Sound(rate, self.positions[rate], mixed)
            self.positions[rate] += mixed.rows.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture on screen from ``time`` ``until`` the next one.

    Both are seconds from the start of the file. ``sure`` is how long it certainly was: its usual
    time alone where the pictures after it are lost.
    """

    time: float
    until: float
    sure: float
    frame: VideoFrame


class VideoTrack(_Track["VideoFrame"]):
    """Yields `Picture`, each when the next one is known."""

    def __init__(self, stream: VideoStream, origin: float) -> None:
        super().__init__(stream, origin, "AUTO")
        rate = stream.guessed_rate or stream.average_rate
        self.usual = 1.0 / float(rate) if rate else 0.04
        self.shown: tuple[float, VideoFrame, int] | None = None
        self.end = 0.0

    def blocks(self, packet: Packet | None) -> Iterator[Picture]:
        """Pictures of one packet; None gives what the decoder still holds."""
        if packet is not None and packet.dts is not None and packet.duration:
            # What a picture's own duration says is that of another one, wherever pictures are coded
            # out of order.
            self.end = max(
                self.end, float((packet.dts + packet.duration) * packet.time_base) - self.origin
            )
        for frame in self.decode(packet):
            if frame.is_corrupt:
                self.errors += 1
                continue
            time = self.time(frame)
            if time is None:
                time = 0.0 if self.shown is None else self.shown[0] + self.usual
            yield from self._gone(time)
            self.shown = (time, frame, self.errors)
        if packet is None and self.shown is not None:
            yield from self._gone(max(self.end, self.shown[0] + self.usual))

    def _gone(self, until: float) -> Iterator[Picture]:
        """The picture on screen so far, if any."""
        if self.shown is None:
            return
        time, frame, errors = self.shown
        lost = self.errors > errors
        yield Picture(time, until, min(until, time + self.usual) if lost else until, frame)

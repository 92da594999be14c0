"""Packets of one track in, timed blocks out: `AudioTrack` gives 16 kHz mono samples, `VideoTrack` pictures.

Packets that cannot be decoded are counted and skipped; what they leave uncovered is judged by the cuts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import numpy as np

from mmser.core.clip import SAMPLE_RATE

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler, AudioStream, Packet, VideoFrame, VideoStream

GAP_SECONDS = 0.1
"""Time stamps further than this from the running sample count are a gap in the track, nearer ones are jitter."""

RATES = (2_000, 768_000)
MAX_CHANNELS = 64
"""Sample rates in Hz and channel counts beyond these are a damaged header: nothing records them."""


AnyFrame = TypeVar("AnyFrame", "AudioFrame", "VideoFrame")


class _Track(Generic[AnyFrame]):
    """Decodes packets and counts those that fail."""

    def __init__(self, stream: AudioStream | VideoStream, origin: float) -> None:
        stream.codec_context.thread_type = "AUTO"
        self.stream, self.origin = stream, origin
        self.errors = 0

    def decode(self, packet: Packet | None) -> Iterator[AnyFrame]:
        """Frames of one packet; None empties the decoder."""
        import av

        try:
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


class AudioTrack(_Track["AudioFrame"]):
    """Yields (position, samples): number of the first sample at 16 kHz, and samples (sample,) float32."""

    def __init__(self, stream: AudioStream, origin: float) -> None:
        super().__init__(stream, origin)
        self.resampler: AudioResampler | None = None
        self.form: tuple[str, str, int] | None = None
        self.position = 0

    def blocks(self, packet: Packet | None) -> Iterator[tuple[int, np.ndarray]]:
        """Blocks of one packet; None gives what decoder and resampler still hold."""
        for frame in self.decode(packet):
            yield from self._resample(frame)
        if packet is None:
            yield from self._drain()

    def _resample(self, frame: AudioFrame) -> Iterator[tuple[int, np.ndarray]]:
        import av

        if not (RATES[0] <= frame.sample_rate <= RATES[1] and frame.layout.nb_channels <= MAX_CHANNELS):
            self.errors += 1
            return
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self.form:
            yield from self._drain()
            self.resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)
            self.form = form
        time = self.time(frame)
        if time is not None and abs(time - self.position / SAMPLE_RATE) > GAP_SECONDS:
            yield from self._jump(round(time * SAMPLE_RATE))
        frame.pts = None
        yield from self._emit(frame)

    def _jump(self, position: int) -> Iterator[tuple[int, np.ndarray]]:
        """Go on at another position; a jump back would overwrite what is there, so it is ignored."""
        if position > self.position:
            self.position = position
        yield from ()

    def _drain(self) -> Iterator[tuple[int, np.ndarray]]:
        if self.resampler is not None:
            yield from self._emit(None)
            self.resampler = None

    def _emit(self, frame: AudioFrame | None) -> Iterator[tuple[int, np.ndarray]]:
        import av

        if self.resampler is None:
            return
        try:
            resampled = self.resampler.resample(frame)
        except (av.error.FFmpegError, ValueError):
            self.errors += 1
            return
        for frame in resampled:
            # The resampler's own down-mix to float adds up to 3 dB; the mean keeps full scale at full scale.
            samples = frame.to_ndarray().mean(axis=0, dtype=np.float32)  # (channel, sample) -> (sample,)
            yield self.position, samples
            self.position += len(samples)


class VideoTrack(_Track["VideoFrame"]):
    """Yields (time, duration, picture), seconds from the start of the file."""

    def __init__(self, stream: VideoStream, origin: float) -> None:
        super().__init__(stream, origin)
        rate = stream.average_rate or stream.guessed_rate
        self.duration = 1.0 / float(rate) if rate else 0.04
        self.next = 0.0

    def blocks(self, packet: Packet | None) -> Iterator[tuple[float, float, VideoFrame]]:
        """Pictures of one packet; None gives what the decoder still holds."""
        for frame in self.decode(packet):
            if frame.is_corrupt:
                self.errors += 1
                continue
            time = self.time(frame)
            time = self.next if time is None else time
            self.next = time + self.duration
            yield time, self.duration, frame

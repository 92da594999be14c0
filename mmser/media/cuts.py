"""One utterance's share of a track while the track streams by: `AudioCut` and `FrameCut`.

Both hold no more than the utterance itself, and refuse an utterance longer than the limits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.media.container import MediaFault
from mmser.media.downmix import Mixed, cancels
from mmser.media.silence import SILENCE_PEAK, is_silent

if TYPE_CHECKING:
    from av import VideoFrame

    from mmser.core.utterance import FaceSide
    from mmser.media.tracks import Picture, Sound

MISSING_SECONDS = 0.25
MISSING_SHARE = 0.1
"""An utterance lacking more than both of these is truncated; less is the rounding of frames and of
annotators.
"""

STAMP_SECONDS = 0.001
"""Containers round the times of pictures to milliseconds."""

MAX_SIDE = 1280
"""Pictures are scaled down to this longer side in pixels (720p stays as it is)."""

MAX_FRAME_BYTES = 1024**3
"""Frames of one utterance may take this much memory."""


def _check_span(start: float, end: float | None, max_seconds: float) -> None:
    if not (np.isfinite(start) and start >= 0):
        raise MediaFault("zero length", f"the utterance starts at {start} s")
    if end is None:
        return
    if not end > start:
        raise MediaFault("zero length", f"the utterance ends at {end:g} s, starts at {start:g} s")
    if end - start > max_seconds:
        raise MediaFault("too long", f"{end - start:.1f} s exceed the limit of {max_seconds:g} s")


def _check_complete(covered: float, expected: float | None) -> None:
    if expected is not None and expected - covered > max(MISSING_SECONDS, MISSING_SHARE * expected):
        raise MediaFault("truncated", f"{covered:.2f} s of {expected:.2f} s can be decoded")


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """What a cut has collected, and what the user must be told of it ("" for nothing)."""

    values: np.ndarray
    note: str = ""


class AudioCut:
    """Collects the samples at ``rate`` Hz between ``start`` and ``end`` (seconds).

    An ``end`` of None is the track's. ``expected`` is the stated length in seconds of what is to be
    collected, None if nobody states it.
    """

    def __init__(
        self,
        start: float,
        end: float | None,
        expected: float | None,
        max_seconds: float,
        rate: int = SAMPLE_RATE,
    ) -> None:
        _check_span(
            start, end if end is not None or expected is None else start + expected, max_seconds
        )
        self.rate = rate
        self.first = round(start * rate)
        self.last = None if end is None else round(end * rate)
        self.limit = round(max_seconds * rate)
        self.expected = expected
        self.blocks: list[tuple[int, Mixed]] = []
        self.done = False

    def add(self, sound: Sound) -> None:
        """Take what belongs to the cut."""
        if sound.rate != self.rate:
            return
        rows = sound.mixed.rows  # (row, sample)
        low = max(self.first, sound.position)
        high = sound.position + rows.shape[1]
        if self.last is not None:
            self.done = high >= self.last
            high = min(high, self.last)
        if high > low:
            samples = rows[:, low - sound.position : high - sound.position].copy()
            self.blocks.append((low, replace(sound.mixed, rows=samples)))
        if high - self.first > self.limit:
            raise MediaFault("too long", f"more than {self.limit / self.rate:g} s of audio")

    def finish(self) -> Excerpt:
        """The waveform (sample,) float32; a gap in the track is silent. Raises MediaFault."""
        covered = sum(mixed.rows.shape[1] for _, mixed in self.blocks)
        if not covered:
            raise MediaFault("truncated" if self.first else "zero length", "no audio samples")
        _check_complete(covered / self.rate, self.expected)
        mix, own = np.sum([mixed.power for _, mixed in self.blocks], axis=0)
        row = -1 if cancels(mix, own) else 0
        # From ``first`` on even if the track starts later than the file: sound and picture stay
        # together.
        end = max(at + mixed.rows.shape[1] for at, mixed in self.blocks)
        waveform = np.zeros(end - self.first, dtype=np.float32)
        for at, mixed in self.blocks:
            waveform[at - self.first : at - self.first + mixed.rows.shape[1]] = mixed.rows[row]
        if not np.isfinite(waveform).all():
            raise MediaFault("not finite", "the audio holds NaN or infinite samples")
        if is_silent(waveform):
            raise MediaFault(
                "silence", f"peak amplitude {np.abs(waveform).max():.1e}, limit {SILENCE_PEAK:.0e}"
            )
        channel = self.blocks[0][1].channel
        return Excerpt(
            waveform, f"the channels cancel each other in the mix: {channel} taken" if row else ""
        )


class FrameCut:
    """Collects the pictures on screen at ``start + k / frame_rate`` s.

    The first picture stands in for the times before it.
    """

    def __init__(
        self, start: float, end: float | None, expected: float | None, max_seconds: float,
        frame_rate: float, side: FaceSide | None,
    ) -> None:  # fmt: skip
        _check_span(
            start, end if end is not None or expected is None else start + expected, max_seconds
        )
        self.start, self.end, self.expected = start, end, expected
        self.max_seconds, self.frame_rate, self.side = max_seconds, frame_rate, side
        # Times k / frame_rate before the end; the margin keeps 0.75 s at 4 Hz at three of them.
        self.most = max(1, ceil((max_seconds if end is None else end - start) * frame_rate - 1e-6))
        self.size: tuple[int, int] | None = None
        self.frames: list[np.ndarray] = []
        self.bytes = 0
        self.covered = 0.0
        self.last = start
        self.done = False

    def add(self, picture: Picture) -> None:
        """Offer a picture of the track."""
        end = np.inf if self.end is None else self.end
        self.done = picture.until >= end
        if picture.time >= end or picture.until <= self.start:
            return
        if picture.time - self.start > self.max_seconds:
            raise MediaFault("too long", f"more than {self.max_seconds:g} s of video")
        self.last = min(picture.until, end)
        self.covered += max(0.0, min(picture.sure, end) - max(picture.time, self.start))
        shown = ceil((picture.until - STAMP_SECONDS - self.start) * self.frame_rate)
        due = min(shown, self.most) - len(self.frames)
        if due <= 0:
            return
        # A picture size that changes on the way is brought back to the first one.
        self.size = self.size or scaled_size(picture.frame.width, picture.frame.height)
        pixels = to_rgb(picture.frame, self.size, self.side)
        self.bytes += due * pixels.nbytes
        if self.bytes > MAX_FRAME_BYTES:
            raise MediaFault("too long", f"its frames exceed {MAX_FRAME_BYTES // 1024**2} MiB")
        self.frames.extend([pixels] * due)

    def finish(self) -> Excerpt:
        """Frames (time, height, width, 3) uint8. Raises MediaFault."""
        if not self.frames:
            raise MediaFault("truncated" if self.start else "zero length", "no video frames")
        # Time before the first picture and where pictures were lost is missing, also where nobody
        # states a length.
        _check_complete(self.covered, max(self.expected or 0.0, self.last - self.start))
        return Excerpt(np.stack(self.frames))


def scaled_size(width: int, height: int) -> tuple[int, int]:
    """Width and height in pixels after scaling down to `MAX_SIDE`."""
    scale = min(1.0, MAX_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def to_rgb(frame: VideoFrame, size: tuple[int, int], side: FaceSide | None = None) -> np.ndarray:
    """A decoded picture as RGB (height, width, 3) uint8, scaled to ``size`` and upright.

    With ``side`` it is that half of the picture. Raises MediaFault where the decoder made a picture
    that cannot be converted.
    """
    import av

    try:
        picture = frame.to_ndarray(format="rgb24", width=size[0], height=size[1])
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaFault("undecodable", f"a picture cannot be converted: {error}") from error
    # Cameras state their rotation counter-clockwise, in degrees, beside the picture.
    picture = np.rot90(picture, round(frame.rotation / 90) % 4)
    middle = picture.shape[1] // 2
    if side is not None:
        picture = picture[:, :middle] if side == "left" else picture[:, middle:]
    return np.ascontiguousarray(picture)

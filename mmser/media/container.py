"""Opening a media file by its content, never by its name, and naming what is wrong with it.

Only self-contained container formats are accepted and only the file protocol is allowed, so that a play list or a
concatenation script that calls itself ``.mp4`` cannot make the decoder read other files or the network.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.clip import FailureReason

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,mpegvideo,m4v,h264,hevc,asf,flv,mxf,dv,"
    "wav,w64,flac,mp3,aac,ogg,aiff,au,caf,amr,nistsphere,ac3"
)
"""Names of the accepted demultiplexers."""

DECLARED_LENGTH = ("mov", "avi", "wav", "w64", "flac", "ogg", "aiff", "au", "caf", "nistsphere")
"""Formats whose header states a track's length; in the others it is an estimate that proves nothing."""

MAX_PIXELS = 8192 * 4320
"""Pictures with more pixels than 8K video are refused before they are decoded."""


class MediaFault(Exception):  # noqa: N818 - a finding about a file, not a programming error
    """What is wrong with a file or one of its tracks; becomes a `Failure` of every utterance it concerns."""

    def __init__(self, reason: FailureReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: FailureReason = reason
        self.detail = detail


def open_media(path: Path) -> InputContainer:
    """Open a media file for reading; raises MediaFault, whatever the file holds."""
    import av

    _check_file(path)
    try:
        # "file:" keeps names such as "concat:..." from being read as a protocol.
        return av.open(
            f"file:{path.absolute()}",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
            metadata_errors="ignore",
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise _unopened(path, error) from error


def _check_file(path: Path) -> None:
    if not path.exists():
        raise MediaFault("missing file", str(path))
    if not path.is_file():
        raise MediaFault("not a media file", f"{path} is no regular file")
    if path.stat().st_size == 0:
        raise MediaFault("zero length", f"{path.name} has 0 bytes")
    if not os.access(path, os.R_OK):
        raise MediaFault("undecodable", f"no permission to read {path}")


def _unopened(path: Path, error: Exception) -> MediaFault:
    """Tell a media file that lost its end from one that never was a media file."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return MediaFault("truncated", f"{path.name} is an mp4 without its index (moov); the copy stopped early")
    known = head[:4] in (b"RIFF", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba")
    if known:
        return MediaFault("undecodable", f"{path.name}: {error}")
    return MediaFault("not a media file", f"{path.name} holds no known audio or video format")


def find_track(container: InputContainer, kind: str) -> Stream:
    """The best track of a kind ("audio" or "video"); cover pictures are no video. Raises MediaFault."""
    from av.stream import Disposition

    tracks = [
        track for track in container.streams if track.type == kind and not track.disposition & Disposition.attached_pic
    ]
    if not tracks:
        raise MediaFault("no audio track" if kind == "audio" else "no video track", Path(container.name).name)
    best = container.streams.best(kind)
    track = best if best in tracks else tracks[0]
    if getattr(track, "codec_context", None) is None:
        raise MediaFault("undecodable", f"no decoder for this {kind} track")
    if kind == "video" and track.codec_context.width * track.codec_context.height > MAX_PIXELS:
        size = f"{track.codec_context.width} x {track.codec_context.height}"
        raise MediaFault("too long", f"pictures of {size} exceed the limit of {MAX_PIXELS} pixels")
    return track


def declared_seconds(container: InputContainer, track: Stream) -> float | None:
    """Length of a track as its header states it, None where the format only allows a guess."""
    if container.format.name.split(",")[0] not in DECLARED_LENGTH:
        return None
    if track.duration is None or track.time_base is None:
        return None
    return float(track.duration * track.time_base)


def origin_seconds(container: InputContainer) -> float:
    """The time stamp that counts as 0 s of the file (MPEG streams may start anywhere)."""
    import av

    return container.start_time / av.time_base if container.start_time is not None else 0.0

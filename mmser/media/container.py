"""Opening a media file by its content, never by its name, and naming what is wrong with it.

Only self-contained container formats are accepted and only the file protocol is allowed, so that a
play list or a concatenation script that calls itself ``.mp4`` cannot make the decoder read other
files or the network.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mmser.core.clip import FailureReason

if TYPE_CHECKING:
    from av import AudioStream, VideoStream
    from av.container import InputContainer

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,mpegvideo,m4v,h264,hevc,asf,flv,mxf,dv,"
    "wav,w64,flac,mp3,aac,ogg,aiff,au,caf,amr,nistsphere,ac3"
)
"""Names of the accepted demultiplexers."""

DECLARED_LENGTH = ("mov", "avi", "wav", "w64", "flac", "ogg", "aiff", "au", "caf", "nistsphere")
"""Formats whose header states a track's length; in the others it is an estimate that proves
nothing.
"""

MAX_PIXELS = 8192 * 4320
"""Pictures with more pixels than 8K video are refused before they are decoded."""


# A finding about a file, not a programming error.
class MediaFault(Exception):  # noqa: N818
    """A fault of a file or one of its tracks; a `Failure` of every utterance that it concerns."""

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
            **_lenient_metadata(av.__version__),
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise _unopened(path, error) from error


def _lenient_metadata(version: str) -> dict[str, Any]:
    """The option of PyAV by which titles and comments that are no UTF-8 do not stop a file.

    From PyAV 19 on they never do, and there is no such option.
    """
    return {"metadata_errors": "ignore"} if int(version.split(".")[0]) < 19 else {}


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
        return MediaFault(
            "truncated", f"{path.name} is an mp4 without its index (moov); the copy stopped early"
        )
    is_media = head[:4] in (b"RIFF", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba")
    if is_media:
        return MediaFault("undecodable", f"{path.name}: {error}")
    return MediaFault("not a media file", f"{path.name} holds no known audio or video format")


def find_audio(container: InputContainer) -> AudioStream:
    """The audio track a player would choose. Raises MediaFault."""
    # PyAV's `best` is typed as any kind of track.
    track = cast("AudioStream | None", container.streams.best("audio"))
    if track is None or track.codec_context is None:
        raise MediaFault(
            "undecodable" if container.streams.audio else "no audio track", _track_list(container)
        )
    return track


def find_video(container: InputContainer) -> VideoStream:
    """The video track a player would choose; a cover picture is none. Raises MediaFault."""
    from av.stream import Disposition

    # PyAV's `best` is typed as any kind of track.
    track = cast("VideoStream | None", container.streams.best("video"))
    if track is None or track.disposition & Disposition.attached_pic:
        moving = [
            track
            for track in container.streams.video
            if not track.disposition & Disposition.attached_pic
        ]
        raise MediaFault("undecodable" if moving else "no video track", _track_list(container))
    if track.codec_context is None:
        raise MediaFault("undecodable", _track_list(container))
    width, height = track.codec_context.width, track.codec_context.height
    if width * height > MAX_PIXELS:
        raise MediaFault(
            "too long", f"pictures of {width} x {height} exceed the limit of {MAX_PIXELS} pixels"
        )
    return track


def _track_list(container: InputContainer) -> str:
    # A track without a decoder (data, attachments) has no `name`.
    kinds = [
        f"{track.type} ({getattr(track, 'name', None) or 'no decoder'})"
        for track in container.streams
    ]
    return f"{Path(container.name).name} holds {', '.join(kinds) or 'no track'}"


def declared_seconds(container: InputContainer, track: AudioStream | VideoStream) -> float | None:
    """Length of a track as its header states it, None where the format only allows a guess."""
    if container.format.name.split(",")[0] not in DECLARED_LENGTH:
        return None
    if container.format.name == "avi":
        # The reader shortens the duration to what the index holds; the header's frame counts stay
        # as written.
        lengths = [
            track.frames * track.time_base
            for track in container.streams
            if track.frames and track.time_base
        ]
        return float(min(lengths)) if lengths else None
    if track.duration is None or track.time_base is None:
        return None
    return float(track.duration * track.time_base) / _riff_share(container)


def _riff_share(container: InputContainer) -> float:
    """The share of a wav file that is there, by the length that its header states.

    The reader itself shortens that length to the file's.
    """
    if container.format.name != "wav":
        return 1.0
    path = Path(container.name.removeprefix("file:"))
    with path.open("rb") as file:
        head = file.read(8)
    stated = int.from_bytes(head[4:8], "little") + 8
    # Writers that cannot seek leave 0 or the largest number there.
    if head[:4] != b"RIFF" or stated in (8, 2**32 + 7):
        return 1.0
    return min(1.0, path.stat().st_size / stated)


def origin_seconds(container: InputContainer) -> float:
    """The time stamp that counts as 0 s of the file (MPEG streams may start anywhere)."""
    import av

    return container.start_time / av.time_base if container.start_time is not None else 0.0

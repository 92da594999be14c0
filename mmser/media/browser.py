"""Which media files browsers play: told by container and codecs, whatever a file's ending says."""

from __future__ import annotations

from mmser.media.probe import Tracks

PICTURES = ("yuv420p", "yuvj420p")
"""Eight bits with halved colour, which every browser decodes."""

_ISO = frozenset({"h264", "av1", "vp9", "aac", "mp3", "opus", "flac"})
_WEB = frozenset({"vp8", "vp9", "av1", "vorbis", "opus"})
_WAV = frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_f32le"})

CONTAINERS = {
    "mov": ("mp4", _ISO), "mp4": ("mp4", _ISO), "matroska": ("webm", _WEB), "webm": ("webm", _WEB),
    "wav": ("wav", _WAV), "flac": ("flac", frozenset({"flac"})),
    "mp3": ("mpeg", frozenset({"mp3"})), "aac": ("aac", frozenset({"aac"})),
    "ogg": ("ogg", frozenset({"vorbis", "opus", "flac"})),
}  # fmt: skip
"""By the first name of a container: its media type, and what browsers decode in it.

Chromium and Firefox have no MPEG-4 part 2, MPEG-1, HEVC (but by some machines' hardware) or Theora.
"""


def media_type(tracks: Tracks) -> str:
    """ "video/mp4", "audio/wav"; empty for what some common browser does not play."""
    name, decoded = CONTAINERS.get(tracks.container.partition(",")[0], ("", frozenset()))
    is_played = bool(tracks.codecs) and set(tracks.codecs) <= decoded
    if not is_played or (tracks.video and tracks.pixels not in PICTURES):
        return ""
    return f"{'video' if tracks.video else 'audio'}/{name}"

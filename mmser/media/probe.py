"""Which tracks a media file has and how long it is, told by its packets: nothing is decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmser.media.container import MediaFault, find_audio, find_video, open_media, origin_seconds


@dataclass(frozen=True, slots=True)
class Tracks:
    """``seconds`` is the end of the last packet of either track.

    ``container`` and ``codecs`` have FFmpeg's names; ``pixels`` is how pictures are coded.
    """

    audio: bool
    video: bool
    seconds: float
    container: str = ""
    codecs: tuple[str, ...] = ()
    pixels: str = ""


def find_tracks(path: Path, beat: Callable[[], None] = lambda: None) -> Tracks:
    """Raises MediaFault when it is no media file or has neither track.

    ``beat`` is called with every packet.
    """
    import av

    with open_media(path) as container:
        tracks = {}
        for kind, find in (("audio", find_audio), ("video", find_video)):
            try:
                tracks[kind] = find(container)
            except MediaFault as fault:
                missing = fault
        if not tracks:
            raise missing
        end = origin = origin_seconds(container)
        try:
            for packet in container.demux(list(tracks.values())):
                beat()
                if packet.pts is not None and packet.time_base is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        except av.error.FFmpegError:
            pass  # where its structure breaks, it ends
        codecs = tuple(track.codec_context.codec.canonical_name for track in tracks.values())
        # A track of sound has none.
        formats = [getattr(track.codec_context, "pix_fmt", None) for track in tracks.values()]
        pixels = next(filter(None, formats), "")
        form = container.format.name
    return Tracks("audio" in tracks, "video" in tracks, end - origin, form, codecs, pixels)

"""A recording as the segmenter needs it: which tracks it has, how long it is, its sound block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import MmserError
from mmser.media.container import MediaFault, find_audio, find_video, open_media, origin_seconds
from mmser.media.tracks import AudioTrack


@dataclass(frozen=True, slots=True)
class Recording:
    """``seconds`` is the end of the last packet of either track."""

    path: Path
    audio: bool
    video: bool
    seconds: float


def open_recording(path: str | Path) -> Recording:
    """Look at a file's tracks; nothing is decoded. Raises MmserError when it is no media file or has neither track."""
    path = Path(path)
    try:
        with open_media(path) as container:
            tracks = {}
            for kind, find in (("audio", find_audio), ("video", find_video)):
                try:
                    tracks[kind] = find(container)
                except MediaFault as fault:
                    missing = fault
            if not tracks:
                raise missing
            ends = [
                float((packet.pts + (packet.duration or 0)) * packet.time_base)
                for packet in container.demux(list(tracks.values()))
                if packet.pts is not None and packet.time_base is not None
            ]
            seconds = max(ends, default=0.0) - origin_seconds(container)
    except MediaFault as fault:
        raise MmserError(f"a video or sound file at {path}", f"{fault}", "Give one that a player can play.") from fault
    return Recording(path, "audio" in tracks, "video" in tracks, seconds)


def sound_blocks(recording: Recording) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first sample at 16 kHz, samples (sample,) float32) from the beginning to the end.

    Raises MmserError at the first sample that is NaN or infinite: a detector would hear nothing from there on.
    """
    for position, samples in _decoded(recording):
        broken = ~np.isfinite(samples)
        if broken.any():
            at = (position + int(broken.argmax())) / SAMPLE_RATE
            raise MmserError(
                f"finite sound in {recording.path.name}",
                f"not finite: the audio holds NaN or infinite samples, the first at {at:.2f} s",
                "Repair the file, or name the parts to judge with --segments.",
            )
        yield position, samples


def _decoded(recording: Recording) -> Iterator[tuple[int, np.ndarray]]:
    import av

    with open_media(recording.path) as container:
        track = AudioTrack(find_audio(container), origin_seconds(container))
        try:
            for packet in container.demux(track.stream):
                if packet.size:
                    yield from ((sound.position, sound.mixed.mono) for sound in track.blocks(packet))
        except av.error.FFmpegError:
            track.errors += 1  # what could be decoded up to here is kept
        yield from ((sound.position, sound.mixed.mono) for sound in track.blocks(None))

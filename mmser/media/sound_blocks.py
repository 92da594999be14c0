"""The sound of a whole file, block by block, so that it never lies in memory as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmser.media.container import find_audio, open_media, origin_seconds
from mmser.media.tracks import AudioTrack

if TYPE_CHECKING:
    from av import Packet


def sound_blocks(
    path: Path, beat: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first sample at 16 kHz, samples (sample,) float32), block after block.

    A gap in the track is a gap in the numbers; where the file's structure breaks, it ends. ``beat``
    is called with every packet. Raises MediaFault when it is no media file or has no sound.
    """
    import av

    with open_media(path) as container:
        track = AudioTrack(find_audio(container), origin_seconds(container))
        try:
            for packet in container.demux(track.stream):
                beat()
                if packet.size:
                    yield from _blocks(track, packet)
        except av.error.FFmpegError:
            track.errors += 1  # what could be decoded up to here is kept
        yield from _blocks(track, None)


def _blocks(track: AudioTrack, packet: Packet | None) -> Iterator[tuple[int, np.ndarray]]:
    """The blocks of one packet: none where the resampler still holds all of it."""
    for sound in track.blocks(packet):
        samples = sound.mixed.mono
        if len(samples):
            yield sound.position, samples

"""A film that browsers do not play, coded again small (H.264 and AAC)."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.inference.recording import Recording, clips_of
from mmser.media.write import write_mp4

LONGEST_COPY = 60.0
"""Seconds of a film that is coded again: its pictures are held in memory (230 MB at most)."""

HEIGHT, RATE = 240, 12
"""Pixels, and pictures per second."""


def film_copy(recording: Recording, sound: np.ndarray | None) -> bytes | None:
    """The mp4 with ``sound`` (sample,) int16 at 16 kHz; None of one too long or without pictures.

    It is decoded second by second, so that large pictures are few at a time.
    """
    if not 0 < recording.seconds <= LONGEST_COPY:
        return None
    count = ceil(recording.seconds)
    found = _pictures(recording, count)
    if not found:
        return None
    pictures: list[np.ndarray] = []
    for second in range(count):
        # Where there is no picture the one before stays, as in a player.
        last = pictures[-1] if pictures else np.zeros_like(next(iter(found.values()))[0])
        pictures += found.get(second, [last] * RATE)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "copy.mp4"
        waveform = None if sound is None else sound / np.float32(32768)
        write_mp4(path, np.stack(pictures), float(RATE), waveform)
        return path.read_bytes()


def _pictures(recording: Recording, count: int) -> dict[int, list[np.ndarray]]:
    """{second: its small pictures}; a second that cannot be decoded is left out."""
    parts = []
    for second in range(count):
        end = min(second + 1.0, recording.seconds)
        part = Utterance(f"{second}", "", "", start=second, end=end, video_path=recording.path)
        parts.append(part)
    clips = clips_of(recording, parts, want_audio=False, want_frames=True, frame_rate=float(RATE))
    found = {}
    try:
        for clip in clips:
            if clip.frames is not None:
                found[int(clip.id)] = [_small(picture) for picture in clip.frames]
    except MmserError:
        return {}
    return found


def _small(picture: np.ndarray) -> np.ndarray:
    """(height, width, 3) at most `HEIGHT` pixels high, both sides even."""
    image = Image.fromarray(picture)
    height = max(2, min(HEIGHT, image.height) // 2 * 2)
    width = max(1, round(image.width * height / image.height / 2)) * 2
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))

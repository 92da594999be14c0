"""A recording as a browser plays it: inside the page, beside it, or its sound alone."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.inference.recording import Recording, open_recording
from mmser.media.container import MediaFault
from mmser.media.decoder import Decoder, DecoderDeath
from mmser.media.write import wav_content

EMBEDDED_BYTES = 16 * 1024**2
"""A larger file is linked: a page of more than 22 MB opens slowly."""

TYPES = {
    ".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
    ".oga": "audio/ogg", ".opus": "audio/ogg", ".m4a": "audio/mp4", ".aac": "audio/aac",
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg",
}  # fmt: skip
"""What browsers play, by a file's ending."""


@dataclass(frozen=True, slots=True)
class Playable:
    """``kind`` is "audio" or "video", ``source`` a data: URL or a relative one."""

    kind: str
    source: str
    remark: str = ""

    @property
    def embedded(self) -> bool:
        """Whether the page holds it."""
        return self.source.startswith("data:")


def playable(path: Path, folder: Path, decoder: Decoder | None = None) -> Playable:
    """The recording for a page in ``folder``.

    A film of a kind that browsers do not play gives its sound, as wav at 16 kHz.
    """
    known = TYPES.get(path.suffix.lower())
    recording = open_recording(path, decoder)
    kind = "video" if recording.video else "audio"
    if known is None:
        sound = _sound(recording) if recording.audio else None
        if sound is not None:
            remark = f"Browsers do not play {path.suffix or 'this kind of'} files: its sound alone."
            return Playable("audio", _data(sound, "audio/wav"), remark)
    elif path.stat().st_size <= EMBEDDED_BYTES:
        return Playable(kind, _data(path.read_bytes(), known))
    relative = os.path.relpath(path.resolve(), folder.resolve())
    # "./" keeps a name with a colon from being read as a scheme.
    link = "./" + quote(os.fsencode(relative))
    # Also of a kind that browsers may not play, whose sound is too long.
    remark = "The recording is too large for this page, which plays it from where it lies now."
    return Playable(kind, link, remark)


def _sound(recording: Recording) -> bytes | None:
    """The file's sound as wav, None where that is too long or cannot be decoded."""
    if recording.seconds * SAMPLE_RATE * 2 > EMBEDDED_BYTES:
        return None
    samples = np.zeros(round(recording.seconds * SAMPLE_RATE), "int16")
    try:
        for position, block in recording.decoder.sound(recording.path):
            part = samples[position : position + len(block)]
            scaled = np.clip(np.nan_to_num(block[: len(part)]), -1, 1) * 32767
            part[:] = scaled.astype("int16")
    except (MediaFault, DecoderDeath):
        return None
    return wav_content(samples)


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

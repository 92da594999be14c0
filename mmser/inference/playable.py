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

ALONE_BYTES = 64 * 1024**2
"""Sound of a page that has nothing beside it: half an hour."""

TYPES = {
    ".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
    ".oga": "audio/ogg", ".opus": "audio/ogg", ".m4a": "audio/mp4", ".aac": "audio/aac",
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg",
}  # fmt: skip
"""What browsers play, by a file's ending."""


@dataclass(frozen=True, slots=True)
class Playable:
    """``kind`` is "audio" or "video"; ``source`` a data: or relative URL, or empty: no player."""

    kind: str
    source: str
    remark: str = ""

    @property
    def embedded(self) -> bool:
        """Whether the page holds it."""
        return self.source.startswith("data:")


def playable(
    path: Path, folder: Path, decoder: Decoder | None = None, linked: bool = True
) -> Playable:
    """The recording for a page in ``folder``.

    A film of a kind that browsers do not play gives its sound, as wav at 16 kHz. Without ``linked``
    so does a file that is too large; what has no sound then has no player either.
    """
    known = TYPES.get(path.suffix.lower())
    recording = open_recording(path, decoder)
    kind = "video" if recording.video else "audio"
    is_small = path.stat().st_size <= EMBEDDED_BYTES
    if known is not None and is_small:
        return Playable(kind, _data(path.read_bytes(), known))
    if known is None or not linked:
        most = EMBEDDED_BYTES if linked else ALONE_BYTES
        sound = _sound(recording, most) if recording.audio else None
        reason = (
            f"Browsers do not play {path.suffix or 'this kind of'} files"
            if known is None
            else "The recording is too large for this page"
        )
        if sound is not None:
            return Playable("audio", _data(sound, "audio/wav"), f"{reason}: its sound alone.")
        if not linked:
            return Playable("audio", "", f"{reason}: there is no player.")
    relative = os.path.relpath(path.resolve(), folder.resolve())
    # "./" keeps a name with a colon from being read as a scheme.
    link = "./" + quote(os.fsencode(relative))
    # Also of a kind that browsers may not play, whose sound is too long.
    remark = "The recording is too large for this page, which plays it from where it lies now."
    return Playable(kind, link, remark)


def _sound(recording: Recording, most: int) -> bytes | None:
    """The file's sound as wav, None where that is over ``most`` bytes or cannot be decoded."""
    if recording.seconds * SAMPLE_RATE * 2 > most:
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

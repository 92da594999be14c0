"""A recording as a browser plays it: in the page or beside it, else a small copy or its sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmser.core.addresses import data_address, relative_address
from mmser.core.clip import SAMPLE_RATE
from mmser.inference.film_copy import film_copy
from mmser.inference.recording import Recording, open_recording
from mmser.media.container import MediaFault
from mmser.media.decoder import Decoder, DecoderDeath
from mmser.media.write import wav_content

EMBEDDED_BYTES = 16 * 1024**2
"""A larger file is linked: a page of more than 22 MB opens slowly."""

ALONE_BYTES = 64 * 1024**2
"""Sound of a page that has nothing beside it: half an hour."""

NOT_PLAYED = "Not every browser plays files of its kind"
TOO_LARGE = "The recording is too large for this page"


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

    A film of a kind that some browsers do not play gives a small copy, a long one its sound, as wav
    at 16 kHz. Without ``linked`` so does a file that is too large; what has no sound then has no
    player either.
    """
    recording = open_recording(path, decoder)
    kind, played = "video" if recording.video else "audio", recording.media_type
    if played and path.stat().st_size <= EMBEDDED_BYTES:
        return Playable(kind, data_address(path.read_bytes(), played))
    if not played or not linked:
        reason = TOO_LARGE if played else NOT_PLAYED
        sound = _sound(recording, EMBEDDED_BYTES if linked else ALONE_BYTES)
        film = film_copy(recording, sound) if recording.video else None
        if film is not None:
            return Playable("video", data_address(film, "video/mp4"), f"{reason}: a small copy.")
        if sound is not None:
            remark = f"{reason}: its sound alone." if recording.video or played else ""
            return Playable("audio", data_address(wav_content(sound), "audio/wav"), remark)
        if not linked:
            return Playable("audio", "", f"{reason}: there is no player.")
    link = f"./{relative_address(path, folder)}"
    remark = f"{TOO_LARGE}, which plays it from where it lies now."
    return Playable(kind, link, remark if played else f"{remark} {NOT_PLAYED}.")


def _sound(recording: Recording, most: int) -> np.ndarray | None:
    """(sample,) int16 at 16 kHz, None without sound, over ``most`` bytes, or undecodable."""
    if not recording.audio or recording.seconds * SAMPLE_RATE * 2 > most:
        return None
    samples = np.zeros(round(recording.seconds * SAMPLE_RATE), "int16")
    try:
        for position, block in recording.decoder.sound(recording.path):
            part = samples[position : position + len(block)]
            scaled = np.clip(np.nan_to_num(block[: len(part)]), -1, 1) * 32767
            part[:] = scaled.astype("int16")
    except (MediaFault, DecoderDeath):
        return None
    return samples

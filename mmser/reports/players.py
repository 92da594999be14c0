"""Players of utterances: their sound inside the page while there is room, else a link to the file.

Media are decoded by `mmser.media` in another process, which a damaged file may end.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmser.core.addresses import data_address, relative_address
from mmser.core.utterance import Utterance
from mmser.media.browser import media_type
from mmser.media.container import MediaFault
from mmser.media.decoder import Decoder, DecoderDeath
from mmser.media.write import wav_content
from mmser.reports.page import Html, element, join

LONGEST = 12.0
"""Seconds of an utterance that is embedded; a longer one is linked."""


class Players:
    """``room`` bytes of the page are theirs; ``beside`` is the folder of the page."""

    def __init__(self, room: int, beside: Path) -> None:
        self._room, self._beside = room, beside
        self._decoder = Decoder()
        self._heard: tuple[Utterance, np.ndarray | None] | None = None

    def close(self) -> None:
        """End the decoder."""
        self._decoder.close()

    def waveform(self, utterance: Utterance) -> np.ndarray | None:
        """(sample,) at 16 kHz, None where it is too long or unreadable."""
        if self._heard is None or self._heard[0] != utterance:
            try:
                clips = list(self._decoder.clips([utterance], max_seconds=LONGEST))
                self._heard = utterance, clips[0].waveform
            except DecoderDeath:
                self._heard = utterance, None
        return self._heard[1]

    def spend(self, size: int) -> bool:
        """Take bytes of the room for something beside sound, where there are so many."""
        if size > self._room:
            return False
        self._room -= size
        return True

    def player(self, utterance: Utterance) -> Html:
        """Embedded sound and the file's link; a linked player; or the path as a text."""
        path = utterance.video_path or utterance.audio_path
        if path is None:
            return Html("")
        if not path.is_file():
            return element("small", str(path))
        span = "" if utterance.start is None else _span(utterance)
        address = f"{relative_address(path, self._beside)}{span}"
        link = Html(f'<a href="{address}">{element("small", path.name)}</a>')
        sound = self._embedded(utterance)
        if sound:
            return join([Html(f'<audio controls src="{sound}"></audio>'), link])
        tag = self._tag(path)
        if not tag:
            return join([element("small", "browsers do not play it"), link])
        return join([Html(f'<{tag} controls preload="metadata" src="{address}"></{tag}>'), link])

    def _tag(self, path: Path) -> str:
        """ "audio" or "video", empty for what browsers do not play."""
        try:
            return media_type(self._decoder.tracks(path)).partition("/")[0]
        except (MediaFault, DecoderDeath):
            return ""

    def _embedded(self, utterance: Utterance) -> str:
        """The sound as a data URI, empty where it is too long, unreadable or there is no room."""
        waveform = self.waveform(utterance)
        if waveform is None:
            return ""
        samples = np.clip(np.round(waveform * 32768.0), -32768, 32767).astype(np.int16)
        address = data_address(wav_content(samples), "audio/wav")
        return address if self.spend(len(address)) else ""


def _span(utterance: Utterance) -> str:
    end = "" if utterance.end is None else f",{utterance.end:.2f}"
    return f"#t={utterance.start:.2f}{end}"

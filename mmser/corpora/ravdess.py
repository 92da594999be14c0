"""RAVDESS: 24 North American actors say two sentences in eight emotions (Livingstone and Russo,
PLoS ONE 2018).

Layout: ``Actor_01`` .. ``Actor_24`` (odd men, even women) holding files named by seven two-digit
fields, ``modality-channel-emotion-intensity-statement-repetition-actor``, e.g.
``03-01-06-01-02-01-12.wav``: modality 01 audio-video, 02 video only, 03 audio only; channel 01
speech, 02 song. Speech: 60 clips an actor, 1,440 in all. A clip that is there as audio and as video
is one utterance under its audio-only name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.corpora.layout import (
    AUDIO_SUFFIXES,
    VIDEO_SUFFIXES,
    existing_root,
    media_files,
    wrong_layout,
)

LAYOUT = "RAVDESS: Actor_XX folders of files such as 03-01-06-01-02-01-12.wav (also .flac, .mp4)"
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
STATEMENTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
INTENSITIES = {"01": "normal", "02": "strong"}
CHANNELS = {"speech": "01", "song": "02"}
AUDIO_VIDEO, VIDEO_ONLY, AUDIO_ONLY = "01", "02", "03"
CODE = re.compile(r"(0[123])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)")


class Ravdess:
    """Files below ``root``, recursively, so that the Zenodo archives may be unpacked side by side.

    ``channel`` is ``speech`` or ``song``. Video-only copies (02) are left out: they repeat the
    audio-video clips without sound.
    """

    name = "ravdess"

    def __init__(self, root: str | Path, channel: str = "speech") -> None:
        if channel not in CHANNELS:
            raise MmserError(
                f"channel {' or '.join(CHANNELS)}",
                f"'{channel}'",
                "Set corpus.channel to one of them.",
            )
        self.root = root
        self.channel = channel

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no file of the channel lies below the root."""
        root = existing_root(self.root, LAYOUT)
        takes: dict[str, dict[str, Path]] = {}
        for path in media_files(root, AUDIO_SUFFIXES + VIDEO_SUFFIXES):
            code = CODE.fullmatch(path.stem)
            if code and code[2] == CHANNELS[self.channel] and code[1] != VIDEO_ONLY:
                takes.setdefault(path.stem[3:], {}).setdefault(code[1], path)
        if not takes:
            raise wrong_layout(root, LAYOUT)
        for take, paths in sorted(takes.items(), key=lambda item: (item[0][-2:], item[0])):
            yield self._utterance(take, paths)

    def _utterance(self, take: str, paths: dict[str, Path]) -> Utterance:
        _, emotion, intensity, statement, repetition, actor = take.split("-")
        return Utterance(
            id=f"{AUDIO_ONLY}-{take}",
            corpus=self.name,
            speaker=actor,
            transcript=STATEMENTS[statement],
            language="en",
            gender="male" if int(actor) % 2 else "female",
            audio_path=paths.get(AUDIO_ONLY),
            video_path=paths.get(AUDIO_VIDEO),
            emotion=EMOTIONS[emotion],
            extra={
                "intensity": INTENSITIES[intensity],
                "repetition": str(int(repetition)),
                "channel": self.channel,
                "sentence": str(int(statement)),
            },
        )

"""SAVEE: four English men say TIMIT sentences in seven emotions, 480 clips (Haq and Jackson,
2009-2011).

Layout: ``AudioData/DC/a01.wav`` (speakers DC, JE, JK, KL) and, where held,
``AudioVisualClip/DC/a1.avi``; another copy in circulation has one folder of ``DC_a01.wav``. The
letters are a anger, d disgust, f fear, h happiness, n neutral, sa sadness, su surprise: 15 clips of
each and 30 neutral ones a speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmser.core.utterance import Utterance
from mmser.corpora.layout import (
    AUDIO_SUFFIXES,
    VIDEO_SUFFIXES,
    existing_root,
    media_files,
    wrong_layout,
)

LAYOUT = "SAVEE: AudioData/DC/a01.wav for the speakers DC, JE, JK, KL, or one folder of DC_a01.wav"
CODE = re.compile(r"(?:(DC|JE|JK|KL)_)?(a|d|f|h|n|sa|su)(\d{1,2})")
SPEAKERS = ("DC", "JE", "JK", "KL")
EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}


class Savee:
    """Every clip below ``root``; sound and picture of one take are one utterance."""

    name = "savee"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        root = existing_root(self.root, LAYOUT)
        takes: dict[tuple[str, str, int], dict[str, Path]] = {}
        for path in media_files(root, AUDIO_SUFFIXES + VIDEO_SUFFIXES):
            code = CODE.fullmatch(path.stem)
            speaker = (code[1] or path.parent.name) if code else ""
            if code and speaker in SPEAKERS:
                kind = "audio_path" if path.suffix.lower() in AUDIO_SUFFIXES else "video_path"
                takes.setdefault((speaker, code[2], int(code[3])), {}).setdefault(kind, path)
        if not takes:
            raise wrong_layout(root, LAYOUT)
        for (speaker, letter, number), paths in sorted(takes.items()):
            yield Utterance(
                id=f"{speaker}_{letter}{number:02d}",
                corpus=self.name,
                speaker=speaker,
                language="en",
                gender="male",
                audio_path=paths.get("audio_path"),
                video_path=paths.get("video_path"),
                emotion=EMOTIONS[letter],
            )

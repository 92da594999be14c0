"""URDU: 400 utterances of 38 speakers (27 men, 11 women) from Urdu talk shows in four emotions
(Latif et al., FIT 2018).

Layout: folders ``Angry``, ``Happy``, ``Neutral``, ``Sad`` of ``SM1_F10_A010.wav``: speaker (SM man,
SF woman), the speaker's file number, emotion letter with a running number; 100 clips each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmser.core.utterance import Utterance
from mmser.corpora.layout import clips_below

LAYOUT = "URDU: folders Angry, Happy, Neutral, Sad of files such as SM1_F10_A010.wav"
CODE = re.compile(r"(S[MF]\d+)_F\d+_([AHNS])\d+")
EMOTIONS = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}


class Urdu:
    """Every clip below ``root`` whose name is an URDU code."""

    name = "urdu"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        clips = clips_below(self.root, CODE, LAYOUT)
        for stem, path in clips.items():
            speaker, _, number = stem.split("_")
            yield Utterance(
                id=stem,
                corpus=self.name,
                speaker=speaker,
                language="ur",
                gender="female" if speaker[1] == "F" else "male",
                audio_path=path,
                emotion=EMOTIONS[number[0]],
            )

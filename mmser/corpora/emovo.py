"""EMOVO: six Italian actors say 14 sentences in seven emotional states, 588 clips (Costantini et
al., LREC 2014).

Layout: a folder per actor, ``f1`` .. ``f3``, ``m1`` .. ``m3``, holding ``dis-f1-b1.wav`` (also
.flac): emotion (disgusto, gioia, neutrale, paura, rabbia, sorpresa, tristezza), actor, sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmser.core.utterance import Utterance
from mmser.corpora.layout import clips_below

LAYOUT = "EMOVO: folders f1 .. f3, m1 .. m3 of files such as dis-f1-b1.wav (also .flac)"
CODE = re.compile(r"(dis|gio|neu|pau|rab|sor|tri)-([fm]\d)-([a-z]\d)")
EMOTIONS = {
    "dis": "disgust",
    "gio": "joy",
    "neu": "neutral",
    "pau": "fear",
    "rab": "anger",
    "sor": "surprise",
    "tri": "sadness",
}


class Emovo:
    """Every clip below ``root`` with an EMOVO name.

    There are no transcripts; ``sentence`` is a code.
    """

    name = "emovo"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        clips = clips_below(self.root, CODE, LAYOUT)
        for stem, path in clips.items():
            emotion, speaker, sentence = stem.split("-")
            yield Utterance(
                id=stem,
                corpus=self.name,
                speaker=speaker,
                language="it",
                gender="female" if speaker[0] == "f" else "male",
                audio_path=path,
                emotion=EMOTIONS[emotion],
                extra={"sentence": sentence},
            )

"""TESS: two Canadian women say "Say the word ..." with 200 words in seven emotions, 2,800 clips
(Dupuis and Pichora-Fuller, 2010).

Layout: folders such as ``OAF_angry`` holding ``OAF_back_angry.wav``: speaker (OAF older, YAF
younger), word, emotion (angry, disgust, fear, happy, neutral, ps = pleasant surprise, sad). Folder
names vary between copies, so file names count alone; one file of the release is named
``OA_bite_neutral``. A copy nested in itself gives each clip once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmser.core.utterance import Utterance
from mmser.corpora.layout import AUDIO_SUFFIXES, existing_root, media_files, wrong_layout

LAYOUT = "TESS: folders such as OAF_angry of files such as OAF_back_angry.wav"
CODE = re.compile(r"(OAF?|YAF)_(.+)_(angry|disgust|fear|happy|neutral|ps|sad)", re.IGNORECASE)
EMOTIONS = {"ps": "surprise"}


class Tess:
    """Every clip below ``root`` whose name is a TESS code."""

    name = "tess"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        root = existing_root(self.root, LAYOUT)
        clips: dict[tuple[str, str, str], Path] = {}
        for path in media_files(root, AUDIO_SUFFIXES):
            if code := CODE.fullmatch(path.stem):
                speaker = "YAF" if code[1].upper() == "YAF" else "OAF"
                clips.setdefault((speaker, code[2].lower(), code[3].lower()), path)
        if not clips:
            raise wrong_layout(root, LAYOUT)
        for (speaker, word, emotion), path in sorted(clips.items()):
            yield Utterance(
                id=f"{speaker}_{word}_{emotion}",
                corpus=self.name,
                speaker=speaker,
                transcript=f"Say the word {word}.",
                language="en",
                gender="female",
                audio_path=path,
                emotion=EMOTIONS.get(emotion, emotion),
                extra={"word": word},
            )

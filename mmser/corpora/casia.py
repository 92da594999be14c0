"""CASIA: two women and two men say Mandarin sentences in six emotions (Institute of Automation,
Beijing, 2005).

Layout: ``wangzhe/angry/201.wav``: speaker, emotion, text. The full corpus has 9,600 clips (300
texts shared by all emotions, 100 of their own); a part of 1,200 clips (50 texts) is the one mostly
in circulation. Papers use 1,200, 7,200 (the shared texts) or 9,600 clips.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmser.core.utterance import Utterance
from mmser.corpora.layout import AUDIO_SUFFIXES, existing_root, media_files, wrong_layout

LAYOUT = (
    "CASIA: wangzhe/angry/201.wav, that is speaker / emotion / text, for liuchanhg, "
    "wangzhe, zhaoquanyin, ZhaoZuoxiang"
)
EMOTIONS = {
    "angry": "angry",
    "fear": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprise",
    "surprised": "surprise",
}
GENDERS = {
    "liuchanhg": "female",
    "zhaoquanyin": "female",
    "wangzhe": "male",
    "zhaozuoxiang": "male",
}
"""By the speaker folder in small letters, spelled as the release spells it."""


class Casia:
    """Every clip below ``root`` that lies in an emotion folder of a speaker folder."""

    name = "casia"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        root = existing_root(self.root, LAYOUT)
        clips: dict[str, tuple[str, str, Path]] = {}
        for path in media_files(root, AUDIO_SUFFIXES):
            emotion = EMOTIONS.get(path.parent.name.lower())
            speaker = path.parent.parent.name.lower()
            if emotion and speaker in GENDERS:
                clips.setdefault(f"{speaker}-{emotion}-{path.stem}", (speaker, emotion, path))
        if not clips:
            raise wrong_layout(root, LAYOUT)
        for identity, (speaker, emotion, path) in sorted(clips.items()):
            yield Utterance(
                id=identity,
                corpus=self.name,
                speaker=speaker,
                language="zh",
                gender=GENDERS[speaker],
                audio_path=path,
                emotion=emotion,
                extra={"sentence": path.stem},
            )

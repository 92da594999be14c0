"""eNTERFACE'05: some 43 people of 14 nations react in English to stories in six emotions (Martin et
al., ICDE 2006).

Layout: ``subject 1/anger/sentence 1/s1_an_1.avi`` (emotions anger, disgust, fear, happiness,
sadness, surprise; five sentences each). File names of the release are not uniform
(``s_3_su_5.avi``), so the folders say subject and emotion. The paper counts 1,166 clips of 42
subjects; released copies hold about 1,290 of 43 or 44.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmser.core.utterance import Utterance
from mmser.corpora.layout import VIDEO_SUFFIXES, existing_root, media_files, wrong_layout

LAYOUT = "eNTERFACE'05: subject 1/anger/sentence 1/s1_an_1.avi"
SUBJECT = re.compile(r"subject[ _-]?(\d+)", re.IGNORECASE)
SENTENCE = re.compile(r"sentence[ _-]?(\d+)", re.IGNORECASE)
EMOTIONS = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happiness",
    "sadness": "sadness",
    "surprise": "surprise",
}


class Enterface05:
    """Every clip below ``root`` that lies in an emotion folder of a subject folder."""

    name = "enterface05"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        root = existing_root(self.root, LAYOUT)
        clips: dict[str, tuple[str, str, str, Path]] = {}
        for path in media_files(root, VIDEO_SUFFIXES):
            folders = path.relative_to(root).parts[:-1]
            subject = next(
                (match[1] for folder in folders if (match := SUBJECT.fullmatch(folder))), None
            )
            emotion = next(
                (EMOTIONS[folder.lower()] for folder in folders if folder.lower() in EMOTIONS), None
            )
            if subject and emotion:
                sentence = next(
                    (match[1] for folder in folders if (match := SENTENCE.fullmatch(folder))), ""
                )
                speaker = f"{int(subject):02d}"
                identity = f"s{speaker}-{emotion}-{sentence or path.stem}"
                identity = f"{identity}-{path.stem}" if identity in clips else identity
                clips[identity] = (speaker, emotion, sentence, path)
        if not clips:
            raise wrong_layout(root, LAYOUT)
        for identity, (speaker, emotion, sentence, path) in sorted(clips.items()):
            yield Utterance(
                id=identity,
                corpus=self.name,
                speaker=speaker,
                language="en",
                video_path=path,
                emotion=emotion,
                extra={"sentence": sentence} if sentence else {},
            )

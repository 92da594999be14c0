"""ShEMO: 3,000 Persian utterances of 87 speakers, cut from radio plays (Mohamad Nezami et al., LREV 2019).

Layout: folders ``female`` and ``male`` of ``F01A01.wav``: sex, speaker, emotion (A anger, F fear, H happiness,
N neutral, S sadness, W surprise), number; ``shemo.json`` beside them, where held, has the transcripts by file name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from mmser.core.utterance import Utterance
from mmser.corpora.layout import AUDIO_SUFFIXES, existing_root, media_files, read_text, wrong_layout

LAYOUT = "ShEMO: folders female and male of files such as F01A01.wav"
CODE = re.compile(r"([FM]\d{2})([AFHNSW])(\d{2,3})")
EMOTIONS = {"A": "anger", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness", "W": "surprise"}


class Shemo:
    """Every clip below ``root`` whose name is a ShEMO code."""

    name = "shemo"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        root = existing_root(self.root, LAYOUT)
        found = {path.stem: path for path in media_files(root, AUDIO_SUFFIXES) if CODE.fullmatch(path.stem)}
        if not found:
            raise wrong_layout(root, LAYOUT)
        transcripts = _transcripts(root)
        for stem, path in sorted(found.items()):
            yield Utterance(
                id=stem,
                corpus=self.name,
                speaker=stem[:3],
                transcript=transcripts.get(stem),
                language="fa",
                gender="female" if stem[0] == "F" else "male",
                audio_path=path,
                emotion=EMOTIONS[stem[3]],
            )


def _transcripts(root: Path) -> dict[str, str]:
    tables = sorted(root.rglob("shemo.json"))
    entries = json.loads(read_text(tables[0])) if tables else {}
    return {name: entry["transcript"] for name, entry in entries.items() if entry.get("transcript")}

"""ShEMO: 3,000 Persian utterances of 87 speakers, cut from radio plays (Mohamad Nezami et al., LREV
2019).

Layout: folders ``female`` and ``male`` of ``F01A01.wav``: sex, speaker, emotion (A anger, F fear, H
happiness, N neutral, S sadness, W surprise), number; ``shemo.json`` beside them, where held, has
the transcripts by file name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.folders import files_below
from mmser.core.utterance import Utterance
from mmser.corpora.layout import (
    AUDIO_SUFFIXES,
    clips_by_name,
    existing_root,
    media,
    named,
    read_label_text,
    wrong_layout,
)

LAYOUT = "ShEMO: folders female and male of files such as F01A01.wav"
CODE = re.compile(r"([FM]\d{2})([AFHNSW])(\d{2,3})")
EMOTIONS = {
    "A": "anger",
    "F": "fear",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
    "W": "surprise",
}


class Shemo:
    """Every clip below ``root`` whose name is a ShEMO code."""

    name = "shemo"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        root = existing_root(self.root, LAYOUT)
        files = files_below(root)
        clips = clips_by_name(media(files, AUDIO_SUFFIXES), CODE)
        if not clips:
            raise wrong_layout(root, LAYOUT)
        transcripts = _transcripts(files)
        for stem, path in sorted(clips.items()):
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


def _transcripts(files: Sequence[Path]) -> dict[str, str]:
    """Words by file name.

    Raises MmserError when ``shemo.json`` is there and no mapping of such entries.
    """
    tables = named(files, "shemo.json")
    if not tables:
        return {}
    try:
        entries = json.loads(read_label_text(tables[0]))
        return {
            name: str(entry["transcript"])
            for name, entry in entries.items()
            if entry.get("transcript")
        }
    except (ValueError, AttributeError, RecursionError) as problem:
        expected = f"{{file name: {{transcript: ...}}, ...}} in {tables[0]}"
        raise MmserError(
            expected, str(problem) or "JSON nested too deeply", "Get the released file."
        ) from problem

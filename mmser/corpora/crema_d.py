"""CREMA-D: 91 actors say twelve sentences in six emotions, 7,442 clips with sound and picture (Cao
et al., IEEE TAC 2014).

Layout: ``AudioWAV/1001_DFA_ANG_XX.wav`` and, where held, ``VideoFlash/1001_DFA_ANG_XX.flv``: actor,
sentence, emotion, level (LO, MD, HI, XX = unspecified); ``VideoDemographics.csv`` has the actors'
sex. The label is the intended emotion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmser.core.folders import files_below
from mmser.core.utterance import Utterance
from mmser.corpora.layout import (
    AUDIO_SUFFIXES,
    VIDEO_SUFFIXES,
    existing_root,
    media,
    named,
    read_label_table,
    wrong_layout,
)

LAYOUT = (
    "CREMA-D: AudioWAV/1001_DFA_ANG_XX.wav (and VideoFlash/1001_DFA_ANG_XX.flv, "
    "VideoDemographics.csv)"
)
CODE = re.compile(r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX|X)")
EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"}


class CremaD:
    """Every clip below ``root``; sound and picture of one take are one utterance."""

    name = "crema_d"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when no such file lies below the root."""
        root = existing_root(self.root, LAYOUT)
        files = files_below(root)
        takes: dict[str, dict[str, Path]] = {}
        for path in media(files, AUDIO_SUFFIXES + VIDEO_SUFFIXES):
            if CODE.fullmatch(path.stem):
                kind = "audio_path" if path.suffix.lower() in AUDIO_SUFFIXES else "video_path"
                takes.setdefault(path.stem, {}).setdefault(kind, path)
        if not takes:
            raise wrong_layout(root, LAYOUT)
        genders = _genders(files)
        for stem, paths in sorted(takes.items()):
            actor, sentence, emotion, level = stem.split("_")
            yield Utterance(
                id=stem,
                corpus=self.name,
                speaker=actor,
                transcript=SENTENCES.get(sentence),
                language="en",
                gender=genders.get(actor, ""),
                audio_path=paths.get("audio_path"),
                video_path=paths.get("video_path"),
                emotion=EMOTIONS[emotion],
                extra={"sentence": sentence, "level": LEVELS[level]},
            )


def _genders(files: Sequence[Path]) -> dict[str, str]:
    """Actor -> sex, from VideoDemographics.csv where the copy has it."""
    tables = named(files, "VideoDemographics.csv")
    rows = read_label_table(tables[0], ("ActorID", "Sex")) if tables else []
    return {row["ActorID"]: row["Sex"].lower() for row in rows if row["ActorID"] and row["Sex"]}

"""The text files of the IEMOCAP layout, one reader each.

Lines of any other form are passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmser.core.utterance import Vote, Word
from mmser.corpora.layout import read_label_text

NAME = r"Ses\d\d[FM]_\w+_[FM]\d+\w*"
SPEAKER = re.compile(r"_([FM])\d+")
CONSENSUS = re.compile(
    rf"\[\s*(\d+(?:\.\d*)?)\s*-\s*(\d+(?:\.\d*)?)\s*\]\s+({NAME})\s+(\w+)(?:\s+\[([^\]]*)\])?"
)
VOTE = re.compile(r"([CA])-(\w+):\s*([^()]*)")
TRANSCRIPT = re.compile(rf"({NAME})\s*(?:\[[^\]]*\])?\s*:\s*(.*)")
ANNOTATION = re.compile(rf"({NAME})\s*:\s*([^()]*)")
RATING = re.compile(r"\b(val|act|dom)\w*\s*:?\s*([\d.]+)")
SEGMENT = re.compile(r"\s*(\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s*$")
VARIANT = re.compile(r"\(\d+\)$")
FRAME = 0.01
"""Seconds; the aligner's step."""
NO_AGREEMENT = "xxx"
WORDS = {
    "neutral": "neu",
    "neutral state": "neu",
    "happiness": "hap",
    "sadness": "sad",
    "anger": "ang",
    "surprise": "sur",
    "fear": "fea",
    "disgust": "dis",
    "frustration": "fru",
    "excited": "exc",
    "other": "oth",
}
"""An annotator's words, as the consensus spells them."""
DIMENSIONS = {"val": "valence", "act": "arousal", "dom": "dominance"}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One consensus line with its votes; seconds in the dialogue, ratings from 1 to 5."""

    id: str
    start: float
    end: float
    emotion: str | None
    valence: float | None
    arousal: float | None
    dominance: float | None
    votes: tuple[Vote, ...] = ()

    @property
    def gender(self) -> str:
        """F or M: who speaks."""
        return SPEAKER.findall(self.id)[-1]


def read_evaluation(path: Path) -> Iterator[Evaluated]:
    """Evaluations: ``[6.2901 - 8.2357] name neu [V, A, D]`` and the annotators' lines below it.

    These are ``C-E2:``, ``A-E3:`` and, of the actors themselves, ``C-F1:``.
    """
    current: Evaluated | None = None
    votes: dict[str, Vote] = {}
    for line in read_label_text(path).splitlines():
        if match := CONSENSUS.match(line):
            if current:
                yield replace(current, votes=tuple(votes.values()))
            current, votes = _consensus(match), {}
        elif match := VOTE.match(line):
            vote = votes.get(match[2], Vote(annotator=match[2]))
            votes[match[2]] = _voted(vote, match[1], match[3])
    if current:
        yield replace(current, votes=tuple(votes.values()))


def read_votes(folder: Path, dialogue: str) -> dict[str, tuple[Vote, ...]]:
    """The per-annotator files of one dialogue, where present: utterance id -> votes.

    ``Categorical/<dialogue>_e2_cat.txt`` holds ``name :Neutral state; ()``,
    ``Attribute/<dialogue>_e2_atr.txt`` ``name :act 2; :val 3; :dom 2; ()``; ``Self-evaluation`` has
    both kinds by the actors (f1, m1).
    """
    votes: dict[str, dict[str, Vote]] = {}
    for path in sorted(folder.glob(f"*/{dialogue}_*.txt")):
        annotator, _, kind = path.stem.removeprefix(f"{dialogue}_").rpartition("_")
        if kind not in ("cat", "atr") or not annotator:
            continue
        for line in read_label_text(path).splitlines():
            if match := ANNOTATION.match(line):
                by_annotator = votes.setdefault(match[1], {})
                vote = by_annotator.get(annotator.upper(), Vote(annotator=annotator.upper()))
                by_annotator[annotator.upper()] = _voted(
                    vote, "C" if kind == "cat" else "A", match[2]
                )
    return {identity: tuple(by_annotator.values()) for identity, by_annotator in votes.items()}


def read_transcripts(path: Path) -> dict[str, str]:
    """``name [006.2901-008.2357]: Excuse me.``; empty when the file is lacking."""
    if not path.is_file():
        return {}
    lines = (TRANSCRIPT.match(line.strip()) for line in read_label_text(path).splitlines())
    return {match[1]: match[2].strip() for match in lines if match}


def read_alignment(path: Path) -> tuple[Word, ...]:
    """Words of a ``.wdseg`` file (start, end, score, word), without silence and fillers."""
    if not path.is_file():
        return ()
    words = []
    for line in read_label_text(path).splitlines():
        match = SEGMENT.match(line)
        if match and not match[4].startswith(("<", "+", "[")):
            text = VARIANT.sub("", match[4]).lower()
            words.append(
                Word(text, round(int(match[1]) * FRAME, 2), round((int(match[2]) + 1) * FRAME, 2))
            )
    return tuple(words)


def _consensus(match: re.Match[str]) -> Evaluated:
    emotion = match[4].lower()
    ratings = [_number(text) for text in (match[5] or "").split(",")]
    valence, arousal, dominance = ratings if len(ratings) == 3 else (None, None, None)
    word = None if emotion == NO_AGREEMENT else emotion
    return Evaluated(match[3], float(match[1]), float(match[2]), word, valence, arousal, dominance)


def _voted(vote: Vote, kind: str, content: str) -> Vote:
    if kind == "A":
        ratings: dict[str, Any] = {
            DIMENSIONS[name]: _number(value) for name, value in RATING.findall(content)
        }
        return replace(vote, **ratings)
    words = (word.strip(" :\t").lower() for word in content.split(";"))
    named = tuple(WORDS.get(word, word) for word in words if word)
    return replace(
        vote, emotions=(*vote.emotions, *(word for word in named if word not in vote.emotions))
    )


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().rstrip("."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None

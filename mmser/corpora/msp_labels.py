"""The label text file of the MSP corpora: a consensus line per clip, then one line per annotator.

::

    UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3.000000; V:3.500000; D:3.000000 ; N:4.000000;
    annotator-7; Neutral; Neutral,Concerned; A:3.000000; V:4.000000; D:3.000000; N:4.000000;
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from mmser.core.utterance import Vote
from mmser.corpora.layout import read_label_text

CLASSES = {
    "A": "angry",
    "S": "sad",
    "H": "happy",
    "U": "surprise",
    "F": "fear",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
    "O": "other",
}
"""Consensus letters; X means no agreement."""
RATING = re.compile(r"([AVDN])\s*:\s*(-?\d+(?:\.\d*)?)")
MEDIA = (".avi", ".wav", ".mp4")


@dataclass(slots=True)
class Labelled:
    """One clip: file stem, consensus word (None without agreement), ratings by letter, the votes.

    The letters are A, V, D and N.
    """

    stem: str
    emotion: str | None
    ratings: dict[str, float]
    votes: list[Vote] = field(default_factory=list)


def read_labels(path: Path) -> Iterator[Labelled]:
    """Clips in file order; an annotator listed twice for one clip counts once."""
    current: Labelled | None = None
    for line in read_label_text(path).splitlines():
        fields = [part.strip() for part in line.split(";")]
        if len(fields) < 3:
            continue
        if PurePath(fields[0]).suffix.lower() in MEDIA:
            if current:
                yield current
            current = Labelled(
                PurePath(fields[0]).stem, CLASSES.get(fields[1].upper()), _ratings(line)
            )
        elif current and fields[0] not in {vote.annotator for vote in current.votes}:
            ratings = _ratings(line)
            emotions = (fields[1].lower(),) if fields[1] else ()
            current.votes.append(
                Vote(fields[0], emotions, ratings.get("V"), ratings.get("A"), ratings.get("D"))
            )
    if current:
        yield current


def _ratings(line: str) -> dict[str, float]:
    return {letter: float(value) for letter, value in RATING.findall(line)}

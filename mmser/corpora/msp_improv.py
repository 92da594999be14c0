"""MSP-IMPROV: twelve actors in six sessions improvise around target sentences, 8,438 turns (Busso
et al., IEEE TAC 2017).

Layout: ``Evalution.txt`` (spelled so in the release) with the consensus and all annotators, and
``session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav`` (and ``UTD-IMPROV-...avi``) below it: sentence 01
for target emotion A (anger; H, N, S), actor F01 of session 1, part (S target sentence improvised, T
target sentence read, R other improvised, P natural talk in the breaks), turn. Ratings are on a
scale of 1 to 5.

The third field is taken as the speaker, as public data preparation does. As a turn's last field can
be ``FM`` or ``MF``, prefer folds by session, which do not depend on it.
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
    wrong_layout,
)
from mmser.corpora.msp_labels import Labelled, read_labels

LAYOUT = "MSP-IMPROV: Evalution.txt and session1/S01A/S/MSP-IMPROV-S01A-F01-S-FM01.wav"
CODE = re.compile(r"(?:MSP|UTD)-IMPROV-(S\d\d[AHNS]-([FM])(\d\d)-([PRST])-\w+)")
SCENARIOS = {"S": "target improvised", "T": "target read", "R": "other improvised", "P": "natural"}
TARGETS = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}


class MspImprov:
    """Every evaluated turn, whether or not the annotators agreed."""

    name = "msp_improv"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when there is no evaluation file below the root, or no clip in it."""
        root = existing_root(self.root, LAYOUT)
        files = files_below(root)
        tables = named(files, "Evalution.txt", "Evaluation.txt")
        if not tables:
            raise wrong_layout(root, LAYOUT)
        turns = _media(files)
        seen = False
        for labelled in read_labels(tables[0]):
            if code := CODE.fullmatch(labelled.stem):
                seen = True
                yield _utterance(labelled, code, turns.get(code[1], {}))
        if not seen:
            raise wrong_layout(root, LAYOUT)


def _media(files: Sequence[Path]) -> dict[str, dict[str, Path]]:
    """Sound and picture of each turn, by the part of the name they share."""
    turns: dict[str, dict[str, Path]] = {}
    for path in media(files, AUDIO_SUFFIXES + VIDEO_SUFFIXES):
        if code := CODE.fullmatch(path.stem):
            kind = "audio_path" if path.suffix.lower() in AUDIO_SUFFIXES else "video_path"
            turns.setdefault(code[1], {}).setdefault(kind, path)
    return turns


def _utterance(labelled: Labelled, code: re.Match[str], paths: dict[str, Path]) -> Utterance:
    turn, gender, session, scenario = code[1], code[2], code[3], code[4]
    return Utterance(
        id=f"MSP-IMPROV-{turn}",
        corpus=MspImprov.name,
        speaker=f"{gender}{session}",
        session=str(int(session)),
        dialogue=f"{turn[:8]}-{scenario}",
        language="en",
        gender="female" if gender == "F" else "male",
        audio_path=paths.get("audio_path"),
        video_path=paths.get("video_path"),
        emotion=labelled.emotion,
        valence=labelled.ratings.get("V"),
        arousal=labelled.ratings.get("A"),
        dominance=labelled.ratings.get("D"),
        votes=tuple(labelled.votes),
        extra={"scenario": SCENARIOS[scenario], "target": TARGETS[turn[3]]},
    )

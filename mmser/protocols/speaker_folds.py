"""Folds over whole speakers: leave one out, leave a session out, groups; no voice in two splits."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from mmser.core.errors import MmserError
from mmser.protocols.plan import Fold
from mmser.protocols.speakers import by_gender, by_speaker, following, speaker_ring


class LeaveOneSpeakerOut:
    """Test each speaker once; validate on other speakers, train on the rest.

    Where the corpus has two-person sessions (``by_session``), the session's other speaker
    validates, so that no voice of the test conversation is in training. Otherwise
    ``validation_speakers`` speakers do: the next ones on a ring of the speakers shuffled by
    ``seed``, women and men alternating as far as they go, so that everyone validates equally often.
    """

    speaker_dependent = False

    def __init__(
        self, by_session: bool = False, validation_speakers: int = 1, seed: int = 0
    ) -> None:
        self.by_session = by_session
        self.validation_speakers = validation_speakers
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        ring = speaker_ring(table, self.seed)
        needed = 3 if self.by_session else self.validation_speakers + 2
        if len(ring) < needed:
            raise MmserError(
                f"at least {needed} speakers",
                f"{len(ring)}",
                "Use a protocol named random, or more data.",
            )
        for speaker in sorted(ring):
            if self.by_session:
                validation = self._other(table, speaker)
            else:
                validation = following(ring, speaker, self.validation_speakers)
            yield by_speaker(speaker, table, validation, {speaker})

    def _other(self, table: pd.DataFrame, speaker: str) -> set[str]:
        sessions = table.loc[table["speaker"] == speaker, "session"].unique()
        others = set(table.loc[table["session"].isin(sessions), "speaker"]) - {speaker}
        if not others:
            raise MmserError(
                f"a second speaker in session {sessions[0]!r}",
                f"speaker {speaker!r} alone",
                "Set folds.by_session=false.",
            )
        return others


class LeaveOneSessionOut:
    """Test each session once.

    ``validation="speaker"``: one speaker of the next session validates (which one is drawn by
    ``seed``) and the other one trains; ``validation="session"``: the whole next session validates,
    so training loses more.
    """

    speaker_dependent = False

    def __init__(self, validation: str = "speaker", seed: int = 0) -> None:
        if validation not in ("speaker", "session"):
            raise MmserError(
                "folds.validation speaker or session", f"'{validation}'", "Choose one of them."
            )
        self.validation = validation
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        sessions = sorted(table["session"].unique())
        if len(sessions) < 3:
            raise MmserError(
                "at least 3 sessions",
                f"{len(sessions)}",
                "Use more of the corpus or another protocol.",
            )
        draw = random.Random(self.seed)
        for session in sessions:
            following_session = table["session"].isin(following(sessions, session, 1))
            speakers = sorted(table.loc[following_session, "speaker"].unique())
            one_speaker = self.validation == "speaker"
            validation = {draw.choice(speakers)} if one_speaker else set(speakers)
            test = set(table.loc[table["session"] == session, "speaker"])
            yield by_speaker(f"session{session}", table, validation, test)


class SpeakerGroups:
    """Test ``groups`` groups of speakers in turn, the next group validates.

    For networks that are too slow to leave out one speaker at a time.

    Groups are drawn by ``seed`` over the sorted speakers, genders spread evenly; ``fixed`` names
    them instead: ``{group: [speaker, ...]}``. With ``validation_speakers`` only so many speakers of
    the next group validate and its others train: where speakers are few, half of them is too little
    to learn from.
    """

    speaker_dependent = False

    def __init__(
        self,
        groups: int = 4,
        seed: int = 0,
        fixed: Mapping[str, Sequence[str]] | None = None,
        validation_speakers: int | None = None,
    ) -> None:
        self.groups = groups
        self.seed = seed
        self.fixed = fixed
        self.validation_speakers = validation_speakers

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        members = self._members(table)
        if len(members) < 3:
            raise MmserError(
                "at least 3 groups of speakers",
                f"{len(members)}",
                "Use more speakers or a random protocol.",
            )
        names = list(members)
        for name in names:
            next_group = members[following(names, name, 1).pop()]
            validation = next_group[: self.validation_speakers]  # all of it where that is None
            yield by_speaker(name, table, set(validation), set(members[name]))

    def _members(self, table: pd.DataFrame) -> dict[str, list[str]]:
        present = set(table["speaker"])
        if self.fixed is not None:
            members = {}
            for group, named in self.fixed.items():
                speakers = [str(name) for name in named if str(name) in present]
                if speakers:
                    members[group] = speakers
            return members
        order = [speaker for queue in by_gender(table, self.seed) for speaker in queue]
        count = min(self.groups, len(order))
        return {f"group{place + 1}": order[place :: self.groups] for place in range(count)}

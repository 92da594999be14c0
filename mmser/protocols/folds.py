"""How a corpus is cut: each plan turns a table of utterances into folds of training, validation and
test ids.

A plan is called with a table (one row per utterance that takes part, sorted by id) with the columns
``id``, ``speaker``, ``session``, ``gender``, ``part`` and ``label`` and yields `Fold`s. It depends
on nothing but the table and its own seed: never on the row order, the training seed or the machine.
``speaker_dependent`` tells whether a speaker may be heard in training and in test; the protocol
guards what a plan promises.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from mmser.core.errors import MmserError


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold: its name and the ids of its three parts, which share no utterance.

    ``unlabelled`` are further ids that train without their labels.
    """

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    unlabelled: tuple[str, ...] = ()


class FoldPlan(Protocol):
    """What `mmser.protocols.protocol.Protocol` asks of a plan."""

    speaker_dependent: bool

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]: ...


class LeaveOneSpeakerOut:
    """Test each speaker once; validate on other speakers, train on the rest.

    Where the corpus has two-person sessions (``by_session``), the session's other speaker
    validates, so that no voice of the test conversation is heard in training. Otherwise
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
            held = (
                self._other(table, speaker)
                if self.by_session
                else following(ring, speaker, self.validation_speakers)
            )
            yield by_speaker(speaker, table, held, {speaker})

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
            chosen = following(sessions, session, 1)
            speakers = sorted(table.loc[table["session"].isin(chosen), "speaker"].unique())
            held = {draw.choice(speakers)} if self.validation == "speaker" else set(speakers)
            test = set(table.loc[table["session"] == session, "speaker"])
            yield by_speaker(f"session{session}", table, held, test)


class SpeakerGroups:
    """Test ``groups`` groups of speakers in turn, the next group validates: for networks too slow
    for one by one.

    Groups are fixed by ``seed`` over the sorted speakers, genders spread evenly. ``fixed`` names
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
            validation = members[following(names, name, 1).pop()][: self.validation_speakers]
            yield by_speaker(name, table, set(validation), set(members[name]))

    def _members(self, table: pd.DataFrame) -> dict[str, list[str]]:
        present = set(table["speaker"])
        if self.fixed is not None:
            named = {
                group: [str(s) for s in speakers if str(s) in present]
                for group, speakers in self.fixed.items()
            }
            return {group: speakers for group, speakers in named.items() if speakers}
        order = [speaker for queue in by_gender(table, self.seed) for speaker in queue]
        return {
            f"group{g + 1}": order[g :: self.groups] for g in range(min(self.groups, len(order)))
        }


class OwnPartition:
    """The corpus's own train / validation / test parts as one fold; some corpora share speakers
    between them.
    """

    def __init__(self, speaker_dependent: bool = True) -> None:
        self.speaker_dependent = speaker_dependent

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        ids = {
            part: tuple(table.loc[table["part"] == part, "id"])
            for part in ("train", "validation", "test")
        }
        empty = [part for part, members in ids.items() if not members]
        if empty:
            raise MmserError(
                "utterances in train, validation and test",
                f"none in {empty[0]}",
                "Fill the column part.",
            )
        yield Fold("official", ids["train"], ids["validation"], ids["test"])


class RandomFolds:
    """Stratified random cross-validation over utterances: speakers are shared, so it flatters every
    system.

    Each of the ``count`` folds holds out 1 / count of every class. With ``validation_one_in=None``
    all of it is tested and the next fold's share validates: ten folds of 8 : 1 : 1. Otherwise one
    in ``validation_one_in`` held-out utterances validates and the others are tested: five folds
    with 4 give 8 : 0.5 : 1.5.
    """

    speaker_dependent = True

    def __init__(
        self, count: int = 10, validation_one_in: int | None = None, seed: int = 0
    ) -> None:
        if validation_one_in is not None and validation_one_in < 2:
            expected = "folds.validation_one_in of at least 2, or null"
            raise MmserError(expected, str(validation_one_in), "Correct the protocol.")
        self.count = count
        self.validation_one_in = validation_one_in
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        shares = stratified_shares(table, self.count, self.seed)
        for index, held in enumerate(shares):
            if self.validation_one_in is None:
                validation, test = shares[(index + 1) % self.count], held
            else:
                within = table[table["id"].isin(held)]
                validation = stratified_shares(within, self.validation_one_in, self.seed + index)[0]
                test = sorted(set(held) - set(validation))
            taken = {*validation, *test}
            train = tuple(i for i in table["id"] if i not in taken)
            yield Fold(f"fold{index + 1}", train, tuple(sorted(validation)), tuple(sorted(test)))


class RandomHoldOut:
    """One stratified random split: ``test`` of the utterances, ``validation`` of the others;
    speakers are shared.
    """

    speaker_dependent = True

    def __init__(self, test: float = 0.3, validation: float = 0.2, seed: int = 0) -> None:
        self.test = checked_share("test", test)
        self.validation = checked_share("validation", validation)
        self.seed = seed

    def __call__(self, table: pd.DataFrame) -> Iterator[Fold]:
        draw = random.Random(self.seed)
        parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
        for _, members in table.groupby("label", sort=True):
            ids = sorted(members["id"])
            draw.shuffle(ids)
            tested = round(len(ids) * self.test)
            held = tested + round((len(ids) - tested) * self.validation)
            parts["test"] += ids[:tested]
            parts["validation"] += ids[tested:held]
            parts["train"] += ids[held:]
        train, validation, test = (
            tuple(sorted(parts[part])) for part in ("train", "validation", "test")
        )
        yield Fold("split", train, validation, test)


def checked_share(name: str, share: float) -> float:
    """The share, if it leaves something on both sides. Raises MmserError otherwise."""
    if not 0.0 < share < 1.0:
        raise MmserError(f"folds.{name} above 0 and below 1", str(share), "Correct the protocol.")
    return share


def by_speaker(name: str, table: pd.DataFrame, validation: set[str], test: set[str]) -> Fold:
    """The fold whose parts are whole speakers; everyone else trains."""
    speaker = table["speaker"]
    held, tested = speaker.isin(validation - test), speaker.isin(test)
    ids = table["id"]
    return Fold(name, tuple(ids[~held & ~tested]), tuple(ids[held]), tuple(ids[tested]))


def by_gender(table: pd.DataFrame, seed: int) -> list[list[str]]:
    """The speakers of each gender, shuffled by ``seed``; the largest gender first."""
    gender = table.drop_duplicates("speaker").set_index("speaker")["gender"]
    draw = random.Random(seed)
    queues = []
    for kind in sorted(gender.unique()):
        queue = sorted(gender.index[gender == kind])
        draw.shuffle(queue)
        queues.append(queue)
    return sorted(queues, key=len, reverse=True)


def speaker_ring(table: pd.DataFrame, seed: int) -> list[str]:
    """Every speaker once, genders alternating as far as they go."""
    queues = by_gender(table, seed)
    width = len(queues[0]) if queues else 0
    return [queue[place] for place in range(width) for queue in queues if place < len(queue)]


def following(ring: Sequence[str], member: str, count: int) -> set[str]:
    """The next ``count`` members after ``member`` on the ring."""
    place = ring.index(member)
    return {ring[(place + step) % len(ring)] for step in range(1, count + 1)}


def stratified_shares(table: pd.DataFrame, count: int, seed: int) -> list[list[str]]:
    """Deal the ids of each class, shuffled, round robin into ``count`` shares; sizes differ by at
    most one overall.
    """
    draw = random.Random(seed)
    shares: list[list[str]] = [[] for _ in range(count)]
    place = 0
    for _, members in table.groupby("label", sort=True):
        ids = sorted(members["id"])
        draw.shuffle(ids)
        for identity in ids:
            shares[place % count].append(identity)
            place += 1
    return shares

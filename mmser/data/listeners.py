"""Single annotators' votes as targets: one label per (utterance, listener).

A listener is ``corpus/annotator``; an annotator who named several emotions has one label all the
same, see `settle`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.batch import UNLABELLED
from mmser.core.task import Task

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ListenerVote:
    """Who voted on an utterance, and for which classes, in the order they were named.

    ``classes`` are indices; the number of classes stands for an emotion outside them.
    """

    listener: str
    classes: list[int]


def count_listeners(
    training: pd.DataFrame, classes: Sequence[str], labels: Mapping[str, str]
) -> dict[str, tuple[int, ...]]:
    """Listener -> how often they chose each class and, last, another emotion; sorted by name.

    ``training`` has the columns corpus and votes.
    """
    votes = list(chain.from_iterable(listener_votes(training, classes, labels)))
    counts = _counted(((vote.listener, vote.classes) for vote in votes), len(classes))
    settled = ((vote.listener, [settle(vote.classes, counts[vote.listener])]) for vote in votes)
    return _counted(settled, len(classes))


def listener_targets(
    rows: pd.DataFrame, task: Task, labels: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """``listener`` and ``listener_emotion``, (row, vote) long each, vote up to the most of any row.

    ``listener`` is the place in ``task.listeners``, their number for a listener that training does
    not know; ``listener_emotion`` the class index, the number of classes for an emotion outside
    them. Both are `UNLABELLED` where a row has fewer votes.
    """
    place = {name: index for index, name in enumerate(task.listeners)}
    counts = dict(zip(task.listeners, task.listener_counts, strict=True))
    votes_of_rows = listener_votes(rows, task.classes, labels)
    shape = len(votes_of_rows), max([1, *map(len, votes_of_rows)])
    listener = np.full(shape, UNLABELLED, np.int64)
    emotion = np.full(shape, UNLABELLED, np.int64)
    no_counts = [0] * (len(task.classes) + 1)
    for row, votes in enumerate(votes_of_rows):
        for column, vote in enumerate(votes):
            listener[row, column] = place.get(vote.listener, len(task.listeners))
            emotion[row, column] = settle(vote.classes, counts.get(vote.listener, no_counts))
    return {"listener": listener, "listener_emotion": emotion}


def settle(classes: Sequence[int], counts: Sequence[int]) -> int:
    """One label of several: the one this listener uses most, otherwise the first."""
    return max(classes, key=lambda index: counts[index])


def listener_votes(
    rows: pd.DataFrame, classes: Sequence[str], labels: Mapping[str, str]
) -> list[list[ListenerVote]]:
    """The votes of each row that name an emotion."""
    place = {name: index for index, name in enumerate(classes)}
    texts = rows.get("votes", [None] * len(rows))
    votes_of_rows = []
    for corpus, text in zip(rows["corpus"], texts, strict=True):
        votes = []
        for vote in parsed_votes(text):
            words = [labels.get(word, word) for word in vote.get("emotions") or ()]
            indices = [place.get(word, len(classes)) for word in words]
            if indices:
                votes.append(ListenerVote(f"{corpus}/{vote['annotator']}", indices))
        votes_of_rows.append(votes)
    return votes_of_rows


def parsed_votes(text: object) -> list[dict[str, Any]]:
    """The manifest's JSON text of votes; nothing where it is missing."""
    return json.loads(text) if isinstance(text, str) and text else []


def _counted(
    choices: Iterable[tuple[str, Sequence[int]]], classes: int
) -> dict[str, tuple[int, ...]]:
    """Listener -> how often each class, and another emotion, stands in their choices."""
    counters: dict[str, Counter[int]] = {}
    for listener, indices in choices:
        counters.setdefault(listener, Counter()).update(indices)
    counts = {}
    for listener, counter in sorted(counters.items()):
        # The index ``classes`` is that of another emotion.
        counts[listener] = tuple(counter[index] for index in range(classes + 1))
    return counts

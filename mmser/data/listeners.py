"""Single annotators' votes -> who heard what: one label per (utterance, listener)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.batch import UNLABELLED
from mmser.core.task import Task

if TYPE_CHECKING:
    import pandas as pd

Heard = list[tuple[str, list[int]]]
"""The listeners of one utterance, each with the classes they named in order."""


def count_listeners(
    training: pd.DataFrame, classes: Sequence[str], labels: Mapping[str, str]
) -> dict[str, Any]:
    """Listener -> how often they chose each class and, last, another emotion; sorted by name.

    ``training`` has the columns corpus and votes; a listener is ``corpus/annotator``.
    """
    rows = heard_in(training, classes, labels)
    named = _counted(rows, len(classes), lambda _, places: places)
    return _counted(rows, len(classes), lambda who, places: [settle(places, named[who])])


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
    heard = heard_in(rows, task.classes, labels)
    shape = len(heard), max([1, *map(len, heard)])
    who, what = (np.full(shape, UNLABELLED, np.int64) for _ in range(2))
    nothing = [0] * (len(task.classes) + 1)
    for row, votes in enumerate(heard):
        for column, (name, places) in enumerate(votes):
            who[row, column] = place.get(name, len(task.listeners))
            what[row, column] = settle(places, counts.get(name, nothing))
    return {"listener": who, "listener_emotion": what}


def settle(places: Sequence[int], counts: Sequence[int]) -> int:
    """One label of several: the one this listener uses most, otherwise the first."""
    return max(places, key=lambda place: counts[place])


def heard_in(rows: pd.DataFrame, classes: Sequence[str], labels: Mapping[str, str]) -> list[Heard]:
    """Per row, who voted and for which class indices (the number of classes: another emotion)."""
    place = {name: index for index, name in enumerate(classes)}
    found: list[Heard] = []
    for corpus, text in zip(rows["corpus"], rows.get("votes", [None] * len(rows)), strict=True):
        votes = [vote for vote in parsed_votes(text) if vote.get("emotions")]
        found.append(
            [
                (
                    f"{corpus}/{vote['annotator']}",
                    [place.get(labels.get(w, w), len(classes)) for w in vote["emotions"]],
                )
                for vote in votes
            ]
        )
    return found


def parsed_votes(text: Any) -> list[dict[str, Any]]:
    """The manifest's JSON text of votes; nothing where it is missing."""
    return json.loads(text) if isinstance(text, str) and text else []


def _counted(rows: Sequence[Heard], classes: int, chosen: Any) -> dict[str, Any]:
    counters: dict[str, Counter[int]] = {}
    for votes in rows:
        for who, places in votes:
            counters.setdefault(who, Counter()).update(chosen(who, places))
    return {
        who: tuple(counters[who][place] for place in range(classes + 1)) for who in sorted(counters)
    }

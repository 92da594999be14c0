"""Labels of the manifest -> target arrays, one row per utterance of a fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.batch import UNLABELLED
from mmser.core.task import Task
from mmser.data.listeners import listener_targets, parsed_votes

if TYPE_CHECKING:
    import pandas as pd


def build_targets(
    rows: pd.DataFrame, task: Task, labels: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Target arrays over ``rows``: manifest columns plus ``label``, a class name or missing.

    ``emotion`` (row,) long, `UNLABELLED` without a label; ``votes`` (row, class) float32, the
    annotators' votes as a distribution over the classes (NaN where no vote names one of them);
    ``values`` (row, value) float32 on the corpus's own scale, NaN where missing; ``speaker``,
    ``gender``, ``corpus`` (row,) long, indices into the lists of ``task``, `UNLABELLED` when not
    among them. ``labels`` maps a vote's word to a class. ``emotion`` and ``votes`` are left out of
    a task without classes, ``values`` out of one without values. A task with listeners adds
    ``listener`` and ``listener_emotion``: see `mmser.data.listeners.listener_targets`.
    """
    targets = {each.batch_key: each.targets(rows) for each in task.target_sets}
    if task.classes:
        targets["votes"] = vote_shares(rows.get("votes", [None] * len(rows)), task.classes, labels)
    if task.listeners:
        targets |= listener_targets(rows, task, labels)
    targets["speaker"] = indices(speaker_names(rows), task.speakers)
    targets["gender"] = indices(rows.get("gender", [None] * len(rows)), task.genders)
    targets["corpus"] = indices(rows["corpus"], task.corpora)
    return targets


def speaker_names(rows: pd.DataFrame) -> list[str]:
    """``corpus/speaker``: two corpora may both have a speaker 03."""
    return [
        f"{corpus}/{speaker}"
        for corpus, speaker in zip(rows["corpus"], rows["speaker"], strict=True)
    ]


def indices(names: Sequence[object] | pd.Series, listed: Sequence[str]) -> np.ndarray:
    """(row,) long place of each name in a list; `UNLABELLED` for others and missing ones."""
    place = {name: index for index, name in enumerate(listed)}
    # A missing name is None or NaN, and NaN equals no key, not even itself.
    words = [name if isinstance(name, str) else None for name in names]
    places = [UNLABELLED if word is None else place.get(word, UNLABELLED) for word in words]
    return np.array(places, np.int64)


def vote_shares(
    votes: Sequence[object] | pd.Series, classes: Sequence[str], labels: Mapping[str, str]
) -> np.ndarray:
    """(row, class) float32: each annotator has one vote, split evenly over the emotions they named.

    Words outside the classes are not counted; a row where nothing remains is NaN.
    """
    place = {name: index for index, name in enumerate(classes)}
    shares = np.zeros((len(votes), len(classes)), np.float32)
    for row, text in enumerate(votes):
        for vote in parsed_votes(text):
            words = vote.get("emotions") or ()
            for word in words:
                index = place.get(labels.get(word, word))
                if index is not None:
                    shares[row, index] += 1.0 / len(words)
    totals = shares.sum(axis=1, keepdims=True)
    return np.where(totals > 0, shares / np.where(totals > 0, totals, 1), np.nan).astype(np.float32)

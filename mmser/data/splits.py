"""Manifest + assignment of one fold -> `Facts` per split and the fold's `Task`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.errors import MmserError
from mmser.core.tables import ASSIGNMENT_COLUMNS, SPLIT_COLUMN, SPLITS, require_columns
from mmser.core.task import Task
from mmser.data.dataset import Facts
from mmser.data.listeners import count_listeners
from mmser.data.targets import build_targets, indices, speaker_names

if TYPE_CHECKING:
    import pandas as pd


def fold_rows(manifest: pd.DataFrame, assignment: pd.DataFrame, fold: str) -> pd.DataFrame:
    """Manifest rows of one fold, with split and ``label`` of the assignment, in its order.

    The corpus's own split, in the same column of the manifest, is replaced. Raises MmserError when
    the fold is not in the assignment, or an assigned utterance is not in the manifest.
    """
    require_columns(assignment, ASSIGNMENT_COLUMNS, "a fold assignment")
    require_columns(manifest, ("id", "corpus", "speaker"), "a manifest")
    assigned = assignment[assignment["fold"].astype(str) == str(fold)]
    if assigned.empty:
        folds = ", ".join(map(str, dict.fromkeys(assignment["fold"])))
        raise MmserError(f"a fold named '{fold}'", f"folds {folds}", "Name one of them.")
    listed = set(manifest["id"])
    unlisted = [identifier for identifier in assigned["id"] if identifier not in listed]
    if unlisted:
        raise MmserError(
            "every assigned utterance in the manifest",
            f"{len(unlisted)} that are not, such as {unlisted[0]}",
            "Assign the folds again from this manifest.",
        )
    rows = manifest.set_index("id", drop=False).loc[list(assigned["id"])].reset_index(drop=True)
    facts = {SPLIT_COLUMN: assigned[SPLIT_COLUMN].to_numpy(), "label": assigned["label"].to_numpy()}
    return rows.assign(**facts)


def make_task(training: pd.DataFrame, asked: Task) -> Task:
    """What is ``asked``, with the facts of a training split; MmserError when the split is empty."""
    if training.empty:
        raise MmserError(
            "at least one training utterance", "none", "Check the protocol and the failure ledgers."
        )
    labels = list(training["label"])
    classes = asked.classes
    words = vote_labels(training, classes)
    listeners = count_listeners(training, classes, words) if classes else {}
    return replace(
        asked,
        class_counts=tuple(labels.count(name) for name in classes),
        speakers=tuple(sorted(set(speaker_names(training)))),
        corpora=tuple(sorted(set(training["corpus"]))),
        genders=tuple(sorted({g for g in training.get("gender", []) if isinstance(g, str) and g})),
        listeners=tuple(listeners),
        listener_counts=tuple(listeners.values()),
    )


def vote_labels(training: pd.DataFrame, classes: Sequence[str]) -> dict[str, str]:
    """How the protocol maps emotion words to classes, by the training split's consensus labels."""
    if "emotion" not in training:
        return {}
    pairs = zip(training["emotion"], training["label"], strict=True)
    return {word: label for word, label in pairs if isinstance(word, str) and label in classes}


def make_facts(rows: pd.DataFrame, task: Task, labels: Mapping[str, str]) -> dict[str, Facts]:
    """`Facts` of each split; dialogues and speakers are numbered over the whole fold."""
    dialogue, speaker = _numbered(_dialogues(rows)), _numbered(speaker_names(rows))
    everything = Facts(
        ids=tuple(rows["id"]),
        labels=tuple(label if isinstance(label, str) else None for label in rows["label"]),
        speakers=tuple(speaker_names(rows)),
        dialogue=dialogue,
        turn=_column(rows, "turn", 0.0).astype(np.int64),
        speaker=speaker,
        duration=_column(rows, "end", np.nan) - _column(rows, "start", np.nan),
        targets=build_targets(rows, task, labels),
    )
    split_of = rows[SPLIT_COLUMN]
    return {split: select(everything, np.flatnonzero(split_of == split)) for split in SPLITS}


def select(facts: Facts, rows: np.ndarray) -> Facts:
    """Those rows, in that order."""
    return replace(
        facts,
        ids=tuple(facts.ids[row] for row in rows),
        labels=tuple(facts.labels[row] for row in rows),
        speakers=tuple(facts.speakers[row] for row in rows),
        dialogue=facts.dialogue[rows],
        turn=facts.turn[rows],
        speaker=facts.speaker[rows],
        duration=facts.duration[rows],
        targets={name: array[rows] for name, array in facts.targets.items()},
    )


def _dialogues(rows: pd.DataFrame) -> list[str]:
    """A name per dialogue, unique over corpora and sessions.

    An utterance outside any dialogue is a dialogue of its own.
    """
    blank = [""] * len(rows)
    columns = rows["corpus"], rows.get("session", blank), rows.get("dialogue", blank), rows["id"]
    facts = zip(*columns, strict=True)
    return [
        f"{corpus}/{session}/{name}" if name else f"{corpus}//{own}"
        for corpus, session, name, own in facts
    ]


def _numbered(names: Sequence[str]) -> np.ndarray:
    return indices(names, list(dict.fromkeys(names)))


def _column(rows: pd.DataFrame, name: str, missing: float) -> np.ndarray:
    if name not in rows:
        return np.full(len(rows), missing)
    return rows[name].astype("float64").fillna(missing).to_numpy()

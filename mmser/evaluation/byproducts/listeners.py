"""A listener-adaptive model's predictions of single annotators, and how far these agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from mmser.core.batch import UNLABELLED, Batch
from mmser.core.contracts import ListenerHead
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.evaluation.predict import device_of
from mmser.metrics.classification import confusion, ua, wa

if TYPE_CHECKING:
    from mmser.models.multimodal import MultimodalModel
    from mmser.training.run import Run

COLUMNS = ("id", "fold", "seed", "listener", "target", "prediction")
UNKNOWN = "(unknown)"


def listener_predictions(run: Run, split: str = "test") -> pd.DataFrame:
    """One row per (utterance, listener, fold, seed) with columns `COLUMNS`.

    Votes for emotions that are no class of the task are left out.
    ``listener`` is `UNKNOWN` for an annotator that training does not know: the shared code answers
    for them. Raises MmserError when the run's model does not answer per listener.
    """
    tables = []
    for trained in run.finished():
        data, model = trained.data(), trained.model()
        table = predict_listeners(model, data.loader(split, shuffle=False), data.task)
        tables.append(table.assign(fold=trained.fold, seed=trained.seed))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def predict_listeners(model: MultimodalModel, loader: Iterable[Batch], task: Task) -> pd.DataFrame:
    """id, listener, target and prediction of every vote for one of the task's classes.

    ``model`` is in evaluation mode.
    """
    if not task.listeners or not isinstance(model.head, ListenerHead):
        raise MmserError(
            "a listener-adaptive run on a corpus with single votes",
            f"the head {type(model.head).__name__}, {len(task.listeners)} listeners",
            "Train with system=listener_adaptive.",
        )
    names = (*task.listeners, UNKNOWN)
    rows: list[tuple[str, str, str, str]] = []
    for batch in (batch.to(device_of(model)) for batch in loader):
        who, what = batch.targets["listener"], batch.targets["listener_emotion"]
        with torch.inference_mode():
            outputs = model(batch.streams, replace(batch.context, listeners=who))
        guess = outputs.listeners[..., : len(task.classes)].argmax(dim=-1)
        is_scored = (who != UNLABELLED) & (what < len(task.classes))
        for row, vote in torch.nonzero(is_scored).tolist():
            classes = (task.classes[int(place[row, vote])] for place in (what, guess))
            rows.append((batch.ids[row], names[int(who[row, vote])], *classes))
    return pd.DataFrame(rows, columns=["id", "listener", "target", "prediction"])


def listener_scores(table: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """WA and UA over all (utterance, listener) pairs, then per listener.

    Columns listener, pairs, wa, ua.
    """
    groups = [("all", table), *table.groupby("listener", sort=True)]
    rows = []
    for name, group in groups:
        counts = confusion(group["target"], group["prediction"], classes)
        rows.append((name, len(group), float(wa(counts)), float(ua(counts))))
    return pd.DataFrame(rows, columns=["listener", "pairs", "wa", "ua"])


def agreement(votes: pd.DataFrame, listeners: int = 10, common: int = 20) -> pd.DataFrame:
    """Cohen's kappa between the most active ``listeners``.

    For pairs that have more than ``common`` utterances in common. ``votes`` has one row per
    (id, listener) with ``target``; -> columns first, second, utterances, kappa.
    """
    active = votes["listener"].value_counts().index[:listeners]
    wide = votes[votes["listener"].isin(active)].pivot(
        index="id", columns="listener", values="target"
    )
    rows = []
    for first, second in combinations(sorted(active), 2):
        both = wide[[first, second]].dropna()
        if len(both) > common:
            rows.append(
                (first, second, len(both), kappa(both[first].to_numpy(), both[second].to_numpy()))
            )
    return pd.DataFrame(rows, columns=["first", "second", "utterances", "kappa"])


def kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Cohen's kappa of two label sequences (item,).

    NaN where both use one and the same label throughout.
    """
    labels = np.unique(np.concatenate([first, second]))
    counts = confusion(first, second, list(labels)) / len(first)
    chance = float(counts.sum(axis=1) @ counts.sum(axis=0))
    if chance >= 1.0:
        return float("nan")
    return (float(np.trace(counts)) - chance) / (1.0 - chance)

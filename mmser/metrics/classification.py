"""Scores of class predictions, each a function of confusion counts.

Counts are (..., target class, predicted class). ``CLASSIFICATION`` at the end are the rows of the
table of metrics.

Classes without a target
    A class that no utterance has as its target has no recall, so every macro average here (`ua`,
    `macro_f1`, `macro_precision`) is taken over the classes that *do* have a target. EMO-DB's
    speaker 08 shows no disgust: his fold's UA is a mean of six recalls, while the pooled
    predictions of all speakers average seven. Predicting an absent class still costs: the utterance
    is missing from its own class's recall.
Classes never predicted
    Their precision is 0/0. `per_class` prints NaN; the averages count 0, as scikit-learn does, so
    that figures of published code can be matched.
No utterances at all
    NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.target_sets.classes import ClassTargets, class_indices
from mmser.core.target_sets.target_set import Answers
from mmser.metrics.metric import Metric, Sums

Counts = np.ndarray


def grouped_confusion(
    target: np.ndarray, prediction: np.ndarray, group: np.ndarray, size: int, groups: int
) -> Counts:
    """Confusion counts (group, target class, predicted class).

    They are counted from class indices (utterance,) and group numbers.
    """
    flat = (group * size + target) * size + prediction
    return np.bincount(flat, minlength=groups * size * size).reshape(groups, size, size)


def confusion(target: Any, prediction: Any, classes: Sequence[Any]) -> Counts:
    """Confusion counts (target class, predicted class) of two label sequences (utterance,)."""
    if len(target) != len(prediction):
        raise MmserError(
            "one prediction per target",
            f"{len(target)} targets, {len(prediction)} predictions",
            "Align the two lists.",
        )
    rows = class_indices(target, classes, "a target")
    columns = class_indices(prediction, classes, "a prediction")
    one_group = np.zeros(len(rows), dtype=np.int64)
    return grouped_confusion(rows, columns, one_group, len(classes), 1)[0]


def confusion_entries(answers: Answers) -> np.ndarray:
    """(utterance, class, class): a 1 at the target and the prediction of each utterance."""
    rows = len(answers.target)
    entries = np.zeros((rows, answers.classes, answers.classes), dtype=np.float32)
    entries[np.arange(rows), answers.target, answers.prediction] = 1
    return entries


def wa(counts: Counts) -> np.ndarray:
    """Overall accuracy: the share of utterances classified rightly ("weighted" by class size)."""
    return _ratio(_hits(counts).sum(-1), counts.sum((-1, -2)))


def ua(counts: Counts) -> np.ndarray:
    """Mean of the class recalls, over the classes that have a target (UAR, balanced accuracy)."""
    return _mean_over_present(_ratio(_hits(counts), _support(counts)), counts)


def wf1(counts: Counts) -> np.ndarray:
    """F1 weighted by class support."""
    return _weighted(_f1(counts), counts)


def macro_f1(counts: Counts) -> np.ndarray:
    """Mean F1 over the classes that have a target."""
    return _mean_over_present(_f1(counts), counts)


def weighted_precision(counts: Counts) -> np.ndarray:
    """Precision weighted by class support; some published code prints this as accuracy."""
    return _weighted(np.nan_to_num(_precision(counts)), counts)


def macro_precision(counts: Counts) -> np.ndarray:
    """Mean precision over the classes that have a target.

    Some published code prints this as unweighted accuracy.
    """
    return _mean_over_present(np.nan_to_num(_precision(counts)), counts)


def mcc(counts: Counts) -> np.ndarray:
    """Matthews correlation of targets and predictions over all classes (Gorodkin 2004).

    A constant prediction says nothing of the target: 0, the limit of 0/0 (Chicco and Jurman 2020).
    Where all targets are of one class there is nothing to correlate with: NaN.
    """
    counts = np.asarray(counts, dtype=np.float64)
    total = counts.sum((-1, -2))
    targets, predictions = _support(counts), counts.sum(-2)
    covariance = total * _hits(counts).sum(-1) - (targets * predictions).sum(-1)
    target_variance = total**2 - (targets**2).sum(-1)
    prediction_variance = total**2 - (predictions**2).sum(-1)
    correlation = _ratio(covariance, np.sqrt(target_variance * prediction_variance))
    constant = (prediction_variance == 0) & (target_variance > 0)
    return np.where(constant, 0.0, correlation)


def per_class(counts: Counts, classes: Sequence[str]) -> pd.DataFrame:
    """One row per class: support, how often predicted, recall, precision, f1; NaN if undefined."""
    return pd.DataFrame(
        {
            "class": list(classes),
            "support": _support(counts),
            "predicted": counts.sum(-2),
            "recall": _ratio(_hits(counts), _support(counts)),
            "precision": _precision(counts),
            "f1": _f1(counts),
        }
    )


def _hits(counts: Counts) -> np.ndarray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _support(counts: Counts) -> np.ndarray:
    return counts.sum(-1)


def _precision(counts: Counts) -> np.ndarray:
    return _ratio(_hits(counts), counts.sum(-2))


def _f1(counts: Counts) -> np.ndarray:
    """(..., class): 2 TP / (targets + predictions).

    It is 0 for a class with targets that is never hit.
    """
    return _ratio(2 * _hits(counts), _support(counts) + counts.sum(-2))


def _weighted(scores: np.ndarray, counts: Counts) -> np.ndarray:
    return _ratio((np.nan_to_num(scores) * _support(counts)).sum(-1), counts.sum((-1, -2)))


def _mean_over_present(scores: np.ndarray, counts: Counts) -> np.ndarray:
    present = _support(counts) > 0
    return _ratio(np.where(present, scores, 0.0).sum(-1), present.sum(-1))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Division with NaN where the denominator is 0."""
    top, bottom = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


CONFUSION = Sums(ClassTargets.kind, confusion_entries)

TWO_MEANINGS = (
    'Two meanings of "weighted accuracy": (1) overall accuracy, where large classes weigh more: '
    "WA here; (2) utterances weighted by 1 / class size, which is the mean class recall: UA here. "
    "Some publications exchange the two names."
)

CLASSIFICATION = (
    Metric(
        "wa",
        wa,
        title="WA",
        meaning="overall accuracy: right / all, so that every class counts by its size",
        unit="percent",
        better="max",
        sums=CONFUSION,
        headline=True,
        elsewhere=("accuracy", "ACC", '"unweighted accuracy" in Rajan et al.'),
        hub="accuracy",
        note=TWO_MEANINGS,
    ),
    Metric(
        "ua",
        ua,
        title="UA",
        meaning="mean of the class recalls over the classes that have a target, so that every "
        "class counts the same (unweighted average recall, balanced accuracy)",
        unit="percent",
        better="max",
        sums=CONFUSION,
        headline=True,
        elsewhere=("UAR", "balanced accuracy", '"weighted accuracy" in Rajan et al.'),
        # Averaged over the classes.
        hub="recall",
    ),
    Metric(
        "wf1",
        wf1,
        title="WF1",
        meaning="F1 of each class, averaged by class size",
        unit="percent",
        better="max",
        sums=CONFUSION,
        headline=True,
        elsewhere=("F1 weighted", "weighted F1"),
        hub="f1",
    ),
    Metric(
        "macro_f1",
        macro_f1,
        title="macro F1",
        meaning="F1 of each class, plain mean over the classes that have a target",
        unit="percent",
        better="max",
        sums=CONFUSION,
    ),
    Metric(
        "weighted_precision",
        weighted_precision,
        title="weighted precision",
        meaning="precision of each class, averaged by class size; some published code calls this "
        "accuracy",
        unit="percent",
        better="max",
        sums=CONFUSION,
        elsewhere=('"WA" in the AMH paper',),
    ),
    Metric(
        "macro_precision",
        macro_precision,
        title="macro precision",
        meaning="precision of each class, plain mean over the classes that have a target; some "
        "published code prints this as unweighted accuracy",
        unit="percent",
        better="max",
        sums=CONFUSION,
        elsewhere=('"UA" in the AMH paper',),
    ),
    Metric(
        "mcc",
        mcc,
        title="MCC",
        meaning="Matthews correlation of targets and predictions over all classes: 1 is perfect, "
        "0 no better than chance, whatever the sizes of the classes",
        unit="score",
        better="max",
        sums=CONFUSION,
        elsewhere=("Matthews correlation coefficient", "R_K", "phi coefficient"),
    ),
)

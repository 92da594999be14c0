"""Scores of class predictions, each a function of confusion counts (..., target class, predicted
class).

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

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError

Counts = np.ndarray


def class_indices(labels: Any, classes: Sequence[Any], what: str = "a label") -> np.ndarray:
    """Positions of ``labels`` (utterance,) in ``classes``; MmserError names a label that is not one
    of them.
    """
    values = np.asarray(labels, dtype=object)
    indices = pd.Index(list(classes), dtype=object).get_indexer(pd.Index(values, dtype=object))
    unknown = sorted({str(label) for label in values[indices < 0]})
    if unknown:
        raise MmserError(
            f"{what} among {', '.join(map(str, classes))}",
            ", ".join(unknown[:5]),
            "Map the labels to the classes of the protocol.",
        )
    return indices


def grouped_confusion(
    target: np.ndarray, prediction: np.ndarray, group: np.ndarray, size: int, groups: int
) -> Counts:
    """Confusion counts (group, target class, predicted class) from class indices (utterance,) and
    group numbers.
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
    rows, columns = (
        class_indices(target, classes, "a target"),
        class_indices(prediction, classes, "a prediction"),
    )
    return grouped_confusion(rows, columns, np.zeros(len(rows), dtype=np.int64), len(classes), 1)[0]


def wa(counts: Counts) -> np.ndarray:
    """Overall accuracy: the share of utterances classified rightly (WA, "weighted"
    by class size).
    """
    return _ratio(_hits(counts).sum(-1), counts.sum((-1, -2)))


def ua(counts: Counts) -> np.ndarray:
    """Mean of the class recalls (UA = UAR = balanced accuracy), over the classes that have a
    target.
    """
    return _mean_over_present(_ratio(_hits(counts), _support(counts)), counts)


def wf1(counts: Counts) -> np.ndarray:
    """F1 weighted by class support."""
    return _weighted(_f1(counts), counts)


def macro_f1(counts: Counts) -> np.ndarray:
    """Mean F1 over the classes that have a target."""
    return _mean_over_present(_f1(counts), counts)


def weighted_precision(counts: Counts) -> np.ndarray:
    """Precision weighted by class support; some published code prints this as
    (weighted) accuracy.
    """
    return _weighted(np.nan_to_num(_precision(counts)), counts)


def macro_precision(counts: Counts) -> np.ndarray:
    """Mean precision over the classes that have a target; some published code prints this as
    unweighted accuracy.
    """
    return _mean_over_present(np.nan_to_num(_precision(counts)), counts)


CLASSIFICATION: dict[str, Callable[[Counts], np.ndarray]] = {
    "wa": wa,
    "ua": ua,
    "wf1": wf1,
    "macro_f1": macro_f1,
    "weighted_precision": weighted_precision,
    "macro_precision": macro_precision,
}


def per_class(counts: Counts, classes: Sequence[str]) -> pd.DataFrame:
    """One row per class: support, how often predicted, recall, precision, f1 (NaN
    where undefined).
    """
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
    """(..., class): 2 TP / (targets + predictions), which is 0 for a class with targets that is
    never hit.
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

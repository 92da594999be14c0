"""How far the probabilities can be trusted: expected calibration error and Brier score.

Calibration is top-label: each utterance counts with the probability of its most probable class, in
``bins`` equal bins (k/bins, (k+1)/bins] over [0, 1] (Naeini et al. 2015; Guo et al. 2017, eq. 3).
The bins are 15 unless told otherwise; the value depends on them, so reports state them.
"""

from __future__ import annotations

import numpy as np

from mmser.core.errors import MmserError
from mmser.core.target_sets.classes import ClassTargets
from mmser.core.target_sets.target_set import Answers
from mmser.metrics.metric import Metric, Sums

BINS = 15


def calibration_bins(probabilities: np.ndarray, target: np.ndarray, bins: int = BINS) -> np.ndarray:
    """(utterance, bin, 3): in each utterance's bin a 1, its top probability, and 1 if it is right.

    probabilities: (utterance, class), rows sum to 1; target: class indices (utterance,). Sum over
    utterances before use.
    """
    probabilities = checked_probabilities(probabilities)
    top = probabilities.max(-1)
    place = np.clip(np.ceil(top * bins).astype(int) - 1, 0, bins - 1)
    entry = np.zeros((len(top), bins, 3))
    entry[np.arange(len(top)), place] = np.stack(
        [np.ones_like(top), top, probabilities.argmax(-1) == np.asarray(target)], axis=-1
    )
    return entry


def ece_of(sums: np.ndarray) -> np.ndarray:
    """Expected calibration error from summed bins (..., bin, 3).

    It is the mean of |accuracy - confidence|, weighted by bin size.
    """
    count, confidence, right = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    total = count.sum(-1)
    gap = np.abs(confidence - right).sum(-1)
    return np.divide(gap, total, out=np.full(np.shape(total), np.nan), where=total > 0)


def ece(probabilities: np.ndarray, target: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error of (utterance, class) probabilities against class indices."""
    return float(ece_of(calibration_bins(probabilities, target, bins).sum(0)))


def squared_errors(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(utterance, 2): a 1 and the squared distance of the probabilities to the one-hot target."""
    probabilities = checked_probabilities(probabilities)
    truth = np.eye(probabilities.shape[1])[np.asarray(target)]
    return np.stack([np.ones(len(truth)), ((probabilities - truth) ** 2).sum(-1)], axis=-1)


def brier_of(sums: np.ndarray) -> np.ndarray:
    """Brier score from summed `squared_errors` (..., 2)."""
    count, error = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    return np.divide(error, count, out=np.full(np.shape(count), np.nan), where=count > 0)


def brier(probabilities: np.ndarray, target: np.ndarray) -> float:
    """Brier score summed over the classes (Brier 1950): 0 is perfect, 2 the worst.

    It is twice the usual two-class form.
    """
    return float(brier_of(squared_errors(probabilities, target).sum(0)))


def checked_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """float64 (utterance, class); MmserError unless rows are >= 0 and sum to 1 within 1 %."""
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all() or (values < 0).any():
        raise MmserError(
            "probabilities as (utterance, class), none negative or missing",
            f"shape {values.shape} with {np.count_nonzero(~np.isfinite(values) | (values < 0))} "
            "bad entries",
            "Write softmax probabilities, not logits.",
        )
    off = np.flatnonzero(np.abs(values.sum(-1) - 1) > 0.01)
    if len(off):
        raise MmserError(
            "probabilities that sum to 1 in every row",
            f"a sum of {values[off[0]].sum():.3f} in row {off[0]} ({len(off)} such rows)",
            "Write softmax probabilities, one column per class.",
        )
    return values


def _bins_of(answers: Answers) -> np.ndarray:
    return calibration_bins(_probabilities(answers), answers.target)


def _squares_of(answers: Answers) -> np.ndarray:
    return squared_errors(_probabilities(answers), answers.target)


def _probabilities(answers: Answers) -> np.ndarray:
    if answers.probabilities is None:
        raise MmserError(
            "probabilities of every class", "predictions alone", "Score other metrics."
        )
    return answers.probabilities


CALIBRATION = (
    Metric(
        "ece",
        ece_of,
        title="ECE",
        meaning="expected calibration error of the most probable class, "
        f"{BINS} equal bins; 0 is best",
        unit="score",
        better="min",
        sums=Sums(ClassTargets.kind, _bins_of, needs_probabilities=True),
        on_card=True,
    ),
    Metric(
        "brier",
        brier_of,
        title="Brier",
        meaning="squared distance of the probabilities to the truth, summed over classes: 0 is "
        "best, 2 worst",
        unit="score",
        better="min",
        sums=Sums(ClassTargets.kind, _squares_of, needs_probabilities=True),
    ),
)

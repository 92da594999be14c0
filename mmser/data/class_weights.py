"""Weights that undo class imbalance, from the training fold's counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mmser.core.errors import MmserError, UsageError

Scheme = Literal["inverse", "effective"]


def class_weights(counts: Sequence[int], scheme: Scheme = "inverse", beta: float = 0.999) -> np.ndarray:
    """(class,) float32 weights whose count-weighted mean is 1, so that the loss keeps its scale.

    "inverse": ``1 / n_c``. "effective": ``(1 - beta) / (1 - beta ** n_c)``, the effective number of samples (Cui et
    al., CVPR 2019, eq. 2). Raises MmserError when a class has no training utterance.
    """
    numbers = np.asarray(counts, dtype=np.float64)
    if not numbers.size or (numbers <= 0).any():
        raise MmserError("at least one training utterance per class", f"counts {list(counts)}", "Choose other folds.")
    if scheme == "inverse":
        weights = 1.0 / numbers
    elif scheme == "effective":
        weights = (1.0 - beta) / (1.0 - np.power(beta, numbers))
    else:
        raise UsageError("the class weighting inverse or effective", f"'{scheme}'", "Choose one.")
    return (weights * numbers.sum() / (weights * numbers).sum()).astype(np.float32)

"""Two models at decision level: the weighted mean of their log-posteriors.

The one weight is selected on the validation split. For the two models of Hsu et al., IEEE/ACM TASLP
29, 2021 (on emotion and on sound embeddings), whose own rule is not published; any two predictions
tables with the same classes will do. By command: ``mmser fuse RUN RUN --method log_posterior``, the
weight chosen on ``--validation`` tables, else cross-fitted by speaker.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError, UsageError
from mmser.core.tables import PROBABILITY, require_columns
from mmser.late_fusion.stacking import Predictor
from mmser.metrics.classification import confusion, ua

KEY = ["condition", "fold", "seed", "id"]
WEIGHTS = tuple(step / 20 for step in range(21))


def fuse_log_posteriors(first: pd.DataFrame, second: pd.DataFrame, weight: float) -> pd.DataFrame:
    """A predictions table: ``softmax(weight log p_first + (1 - weight) log p_second)``.

    Weight 1 is the first alone. Raises MmserError unless both tables predict the same utterances
    with the same classes.
    """
    if not 0.0 <= weight <= 1.0:
        raise MmserError("a weight from 0 to 1", str(weight), "Correct it.")
    columns = [name for name in first.columns if str(name).startswith(PROBABILITY)]
    require_columns(first, KEY, "a predictions table")
    require_columns(second, [*KEY, *columns], "a predictions table of the same classes")
    one, other = first.set_index(KEY), second.set_index(KEY)
    if len(one) != len(other) or not one.index.isin(other.index).all() or not columns:
        raise MmserError(
            "two tables of the same utterances with probabilities",
            f"{len(one)} and {len(other)} rows, {len(columns)} classes",
            "Predict both systems under the same protocol, folds and seeds.",
        )
    logs = [
        np.log(np.maximum(t.loc[one.index, columns].to_numpy(float), 1e-30)) for t in (one, other)
    ]
    mixed = weight * logs[0] + (1.0 - weight) * logs[1]
    shares = np.exp(mixed - mixed.max(axis=1, keepdims=True))
    fused = first.copy()
    fused[columns] = shares / shares.sum(axis=1, keepdims=True)
    names = np.array([str(name).removeprefix(PROBABILITY) for name in columns])
    return fused.assign(prediction=names[shares.argmax(axis=1)])


def choose_weight(
    first: pd.DataFrame, second: pd.DataFrame, weights: Sequence[float] = WEIGHTS
) -> float:
    """The weight with the best UA on validation predictions of the two systems.

    Of equal ones it is the nearest to a half.
    """
    return max(
        weights,
        key=lambda weight: (_ua(fuse_log_posteriors(first, second, weight)), -abs(weight - 0.5)),
    )


def stacked_posteriors(tables: Sequence[pd.DataFrame], classes: Sequence[str]) -> Predictor:
    """Choose the weight on the labelled rows of two tables.

    The predictor gives one probability column per class.
    """
    if len(tables) != 2:
        raise UsageError(
            "two predictions tables for --method log_posterior",
            f"{len(tables)}",
            "Use --method logistic.",
        )
    is_labelled = tables[0]["target"].notna()
    if not is_labelled.any():
        raise MmserError(
            "labelled utterances to choose the weight on", "none", "Use --method mean."
        )
    weight = choose_weight(tables[0][is_labelled], tables[1][is_labelled])
    columns = [PROBABILITY + name for name in classes]

    def predict(rows: Sequence[pd.DataFrame]) -> pd.DataFrame:
        return fuse_log_posteriors(rows[0], rows[1], weight)[columns].reset_index(drop=True)

    return predict


def _ua(table: pd.DataFrame) -> float:
    labelled = table[table["target"].notna()]
    classes = sorted({*labelled["target"], *labelled["prediction"]})
    return round(float(ua(confusion(labelled["target"], labelled["prediction"], classes))), 9)

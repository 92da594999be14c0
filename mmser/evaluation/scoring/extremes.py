"""The most confident errors and the least confident right answers of a predictions table."""

from __future__ import annotations

import pandas as pd

from mmser.core.tables import CLEAN, PROBABILITY
from mmser.core.target_sets.classes import class_names

MOST = 10
"""Utterances of each list."""


def confident(predictions: pd.DataFrame) -> pd.DataFrame:
    """Labelled rows without disturbance, with ``probability``, that of the predicted class.

    None of a table without probabilities of classes.
    """
    classes = class_names(predictions)
    columns = [PROBABILITY + name for name in classes]
    if not classes or not set(columns) <= set(predictions.columns):
        return predictions.iloc[:0]
    rows = predictions[predictions["target"].notna()]
    if "condition" in rows:
        rows = rows[rows["condition"] == CLEAN]
    place = [classes.index(name) for name in rows["prediction"]]
    values = rows[columns].to_numpy(float)[range(len(rows)), place]
    rows = rows.assign(probability=values)
    return rows[rows["probability"].notna()]


def extremes(answers: pd.DataFrame, most: int = MOST) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of rows of `confident` the ``most`` confident errors, then the least confident right answers.

    The extreme answer of an utterance stands for it, whatever fold or seed gave it.
    """
    is_wrong = answers["target"] != answers["prediction"]
    wrong = answers[is_wrong].sort_values(["probability", "id"], ascending=[False, True])
    right = answers[~is_wrong].sort_values(["probability", "id"])
    name = [column for column in ("corpus", "id") if column in answers]
    return wrong.drop_duplicates(name).head(most), right.drop_duplicates(name).head(most)

"""Stackers over aligned predictions tables: logistic regression on log-probabilities, linear SVR on values.

Inputs are standardised and C is chosen inside the rows a stacker is fitted on, by folds that keep speakers apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import PREDICTION, PROBABILITY, TARGET

COSTS = (0.01, 0.1, 1.0, 10.0)
Predictor = Callable[[Sequence[pd.DataFrame]], pd.DataFrame]
Stacker = Callable[[Sequence[pd.DataFrame], Sequence[str]], Predictor]


def stacked_classes(tables: Sequence[pd.DataFrame], classes: Sequence[str]) -> Predictor:
    """Fit a logistic regression on the labelled rows; the predictor gives one probability column per class."""
    from sklearn.linear_model import LogisticRegression

    known = tables[0]["target"].notna().to_numpy()
    fitting = [table[known] for table in tables]
    estimator = LogisticRegression(max_iter=2000)
    search = _searched(estimator, "C", _logs(fitting, classes), fitting[0]["target"], fitting[0], "accuracy")
    columns = [PROBABILITY + name for name in classes]

    def predict(rows: Sequence[pd.DataFrame]) -> pd.DataFrame:
        # A class without a training row keeps probability zero.
        result = pd.DataFrame(0.0, index=range(len(rows[0])), columns=columns)
        result[[PROBABILITY + str(name) for name in search.classes_]] = search.predict_proba(_logs(rows, classes))
        return result

    return predict


def stacked_values(tables: Sequence[pd.DataFrame], values: Sequence[str]) -> Predictor:
    """Fit a linear SVR per value on all values of all tables; the predictor gives one prediction column per value."""
    from sklearn.svm import LinearSVR

    fitted = {}
    for value in values:
        known = tables[0][TARGET + value].notna().to_numpy()
        fitting = [table[known] for table in tables]
        estimator = LinearSVR(random_state=0, max_iter=10000)
        target = fitting[0][TARGET + value]
        fitted[value] = _searched(estimator, "C", _numbers(fitting, values), target, fitting[0], "r2")

    def predict(rows: Sequence[pd.DataFrame]) -> pd.DataFrame:
        features = _numbers(rows, values)
        return pd.DataFrame({PREDICTION + value: model.predict(features) for value, model in fitted.items()})

    return predict


def cross_fitted(tables: Sequence[pd.DataFrame], names: Sequence[str], stack: Stacker, folds: int) -> pd.DataFrame:
    """Every row predicted by a stacker fitted without its speaker, each condition and seed by itself."""
    from sklearn.model_selection import GroupKFold

    parts = []
    for _, rows in tables[0].groupby(["condition", "seed"], sort=False):
        speakers = _speakers(rows)
        count = min(folds, speakers.nunique())
        if count < 3:
            found = f"{speakers.nunique()} in condition {rows['condition'].iloc[0]}, seed {rows['seed'].iloc[0]}"
            raise MmserError(
                "at least three speakers to cross-fit a stacker",
                found,
                "Use --method mean or vote, or fit on validation predictions (--validation).",
            )
        for training, held in GroupKFold(count).split(rows, groups=speakers):
            fitting = [table.loc[rows.index[training]] for table in tables]
            predicted = stack(fitting, names)([table.loc[rows.index[held]] for table in tables])
            parts.append(predicted.set_index(rows.index[held]))
    return pd.concat(parts).sort_index()


def _searched(
    estimator: Any, parameter: str, features: np.ndarray, target: pd.Series, rows: pd.DataFrame, scoring: str
) -> Any:
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if target.nunique() < 2:
        raise MmserError("at least two different labels to fit on", f"{target.nunique()}", "Use --method mean.")
    pipeline = make_pipeline(StandardScaler(), estimator)
    key = f"{type(estimator).__name__.lower()}__{parameter}"
    groups = _speakers(rows) if rows["speaker"].ne("").all() else rows["id"]
    inner = GroupKFold(min(3, groups.nunique()))
    return GridSearchCV(pipeline, {key: list(COSTS)}, scoring=scoring, cv=inner).fit(features, target, groups=groups)


def _speakers(rows: pd.DataFrame) -> pd.Series:
    if (rows["speaker"] == "").any():
        raise MmserError(
            "a speaker in every row, to keep speakers apart",
            f"none for {rows.loc[rows['speaker'] == '', 'id'].iloc[0]}",
            "Fill the column speaker, fit on validation predictions, or use --method mean or vote.",
        )
    return rows["corpus"] + "/" + rows["speaker"]


def _logs(tables: Sequence[pd.DataFrame], classes: Sequence[str]) -> np.ndarray:
    """(row, table * class) log-probabilities, floored where a system is wholly sure."""
    columns = [PROBABILITY + name for name in classes]
    return np.concatenate([np.log(table[columns].to_numpy().clip(1e-6)) for table in tables], axis=1)


def _numbers(tables: Sequence[pd.DataFrame], values: Sequence[str]) -> np.ndarray:
    return np.concatenate([table[[PREDICTION + value for value in values]].to_numpy() for table in tables], axis=1)

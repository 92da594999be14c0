"""Stackers over aligned predictions tables: logistic regression for classes, SVR for values.

Classes are stacked on log-probabilities. Inputs are standardised and C is chosen inside the rows a
stacker is fitted on, by folds that keep speakers apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import PREDICTION, PROBABILITY, TARGET
from mmser.late_fusion.linear_svr import fit_linear
from mmser.metrics.regression import ccc

COSTS = (0.01, 0.1, 1.0, 10.0)
Predictor = Callable[[Sequence[pd.DataFrame]], pd.DataFrame]
Stacker = Callable[[Sequence[pd.DataFrame], Sequence[str]], Predictor]


def stacked_classes(tables: Sequence[pd.DataFrame], classes: Sequence[str]) -> Predictor:
    """Fit a logistic regression on the labelled rows.

    The predictor gives one probability column per class.
    """
    from sklearn.linear_model import LogisticRegression

    labelled = tables[0]["target"].notna().to_numpy()
    fitting = [table[labelled] for table in tables]
    search = _searched(
        LogisticRegression(max_iter=2000), _logs(fitting, classes), fitting[0]["target"], fitting[0]
    )
    columns = [PROBABILITY + name for name in classes]

    def predict(rows: Sequence[pd.DataFrame]) -> pd.DataFrame:
        # A class without a training row keeps probability zero.
        result = pd.DataFrame(0.0, index=range(len(rows[0])), columns=columns)
        result[[PROBABILITY + str(name) for name in search.classes_]] = search.predict_proba(
            _logs(rows, classes)
        )
        return result

    return predict


def stacked_values(tables: Sequence[pd.DataFrame], values: Sequence[str]) -> Predictor:
    """Fit a linear SVR per value on all values of all tables.

    The predictor gives one prediction column per value.
    """
    fitted = {}
    for value in values:
        labelled = tables[0][TARGET + value].notna().to_numpy()
        fitting = [table[labelled] for table in tables]
        target = fitting[0][TARGET + value]
        if target.nunique() < 2:
            raise MmserError(
                f"at least two different targets of {value}",
                f"{target.nunique()}",
                "Use --method mean.",
            )
        fitted[value] = _regressor(
            _numbers(fitting, values), target.to_numpy(np.float32), fitting[0]
        )

    def predict(rows: Sequence[pd.DataFrame]) -> pd.DataFrame:
        features = _numbers(rows, values)
        return pd.DataFrame(
            {PREDICTION + value: model(features) for value, model in fitted.items()}
        )

    return predict


def cross_fitted(
    tables: Sequence[pd.DataFrame], names: Sequence[str], stack: Stacker, folds: int
) -> pd.DataFrame:
    """Every row predicted by a stacker that was fitted without its speaker.

    Each condition and seed is cross-fitted by itself.
    """
    from sklearn.model_selection import GroupKFold

    predictions = []
    for _, rows in tables[0].groupby(["condition", "seed"], sort=False):
        speakers = _speakers(rows)
        count = min(folds, speakers.nunique())
        if count < 3:
            condition, seed = rows["condition"].iloc[0], rows["seed"].iloc[0]
            found = f"{speakers.nunique()} in condition {condition}, seed {seed}"
            raise MmserError(
                "at least three speakers to cross-fit a stacker",
                found,
                "Use --method mean or vote, or fit on validation predictions (--validation).",
            )
        for training, tested in GroupKFold(count).split(rows, groups=speakers):
            fitting = [table.loc[rows.index[training]] for table in tables]
            predicted = stack(fitting, names)([table.loc[rows.index[tested]] for table in tables])
            predictions.append(predicted.set_index(rows.index[tested]))
    return pd.concat(predictions).sort_index()


def _regressor(
    features: np.ndarray, target: np.ndarray, rows: pd.DataFrame
) -> Callable[[np.ndarray], np.ndarray]:
    """A linear SVR on standardised inputs; C has the highest concordance over all inner folds."""
    from sklearn.model_selection import GroupKFold

    groups = _groups(rows)
    predicted = np.zeros((len(COSTS), len(target)), np.float32)
    for training, tested in GroupKFold(min(3, groups.nunique())).split(features, groups=groups):
        predicted[:, tested] = _fitted(features[training], target[training], COSTS)(
            features[tested]
        )
    best = int(np.argmax([ccc(target, prediction) for prediction in predicted]))
    model = _fitted(features, target, COSTS[best : best + 1])
    return lambda new: model(new)[0]


def _fitted(
    features: np.ndarray, target: np.ndarray, costs: Sequence[float]
) -> Callable[[np.ndarray], np.ndarray]:
    """(row, feature) -> (cost, row); inputs and target are centred, as the bias is penalised."""
    mean, middle = features.mean(axis=0), target.mean()
    scale = np.where(features.std(axis=0) > 0, features.std(axis=0), 1.0)
    weights = fit_linear((features - mean) / scale, (target - middle)[:, None], costs)[:, 0]
    return lambda new: weights[:, :-1] @ ((new - mean) / scale).T + weights[:, -1:] + middle


def _searched(estimator: Any, features: np.ndarray, target: pd.Series, rows: pd.DataFrame) -> Any:
    """The estimator on standardised inputs, with the C of the highest accuracy on inner folds."""
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if target.nunique() < 2:
        raise MmserError(
            "at least two different labels to fit on", f"{target.nunique()}", "Use --method mean."
        )
    pipeline = make_pipeline(StandardScaler(), estimator)
    grid = {f"{type(estimator).__name__.lower()}__C": list(COSTS)}
    groups = _groups(rows)
    inner = GroupKFold(min(3, groups.nunique()))
    return GridSearchCV(pipeline, grid, scoring="accuracy", cv=inner).fit(
        features, target, groups=groups
    )


def _groups(rows: pd.DataFrame) -> pd.Series:
    """Speakers where all are named, else every utterance by itself."""
    return _speakers(rows) if rows["speaker"].ne("").all() else rows["id"]


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
    return np.concatenate(
        [np.log(table[columns].to_numpy().clip(1e-6)) for table in tables], axis=1
    )


def _numbers(tables: Sequence[pd.DataFrame], values: Sequence[str]) -> np.ndarray:
    columns = [PREDICTION + value for value in values]
    return np.concatenate([table[columns].to_numpy() for table in tables], axis=1)

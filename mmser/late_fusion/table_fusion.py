"""Fuse predictions tables, one per system.

By their mean, by vote, by a mean weighed on validation splits, or by a regressor or classifier
stacked on their outputs. A row of the fused
table is an utterance (of one condition, fold and seed) that every table predicts. Stacking is
fitted on other tables of the same systems (their validation predictions), or cross-fitted:
utterances are predicted by a stacker that never saw their speaker.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError, UsageError
from mmser.core.tables import PREDICTION, PREDICTION_COLUMNS, PROBABILITY, TARGET
from mmser.core.target_sets.classes import class_names
from mmser.core.target_sets.values import value_names
from mmser.late_fusion.log_posterior import stacked_posteriors
from mmser.late_fusion.mixture import FOLD, fold_weights, mixed
from mmser.late_fusion.stacking import Stacker, cross_fitted, stacked_classes, stacked_values
from mmser.metrics.calibration import checked_probabilities
from mmser.metrics.predictions import checked_predictions, read_predictions
from mmser.runs.run_paths import VALIDATION

TABLE_METHODS = ("mean", "vote", "weighted", "svr", "logistic", "log_posterior")
TableMethod = Literal["mean", "vote", "weighted", "svr", "logistic", "log_posterior"]
STACKERS = {"logistic": stacked_classes, "svr": stacked_values, "log_posterior": stacked_posteriors}
_log = logging.getLogger(__name__)
KEY = ["condition", "fold", "seed", "id"]


def fuse_tables(
    tables: Sequence[str | Path | pd.DataFrame],
    method: TableMethod = "mean",
    validation: Sequence[str | Path | pd.DataFrame] = (),
    shared_only: bool = False,
    folds: int = 5,
) -> pd.DataFrame:
    """A predictions table (core.tables.PREDICTION_COLUMNS) from several.

    ``mean`` averages probabilities and values; ``vote`` counts predicted classes, ties going to the
    higher mean probability, or without probabilities to the system named first; ``weighted``
    averages probabilities by weights found on the ``validation`` tables fold by fold, by default
    the ``validation.parquet`` of runs (`mmser.late_fusion.mixture`); ``logistic`` stacks
    a logistic regression on all log-probabilities, ``svr`` a linear SVR per value on all values,
    ``log_posterior`` weighs the log-probabilities of two systems. ``validation`` are tables of the
    same systems, in the same order, to fit these on. ``shared_only`` drops utterances that some
    table lacks.
    """
    aligned = _aligned([_read(table) for table in tables], shared_only)
    if method in ("mean", "vote"):
        return _finished(aligned[0], *(_mean(aligned) if method == "mean" else _vote(aligned)))
    if method == "weighted":
        fitting = _aligned([_read(table) for table in validation or _of_runs(tables)], shared_only)
        names = _targets(aligned, method)
        _same_names(fitting, names, method)
        weights = fold_weights(fitting, names)
        _log.info("weights, mean over folds: %s", _mean_weights(weights))
        return _finished(aligned[0], names, mixed(aligned, names, weights), True)
    stack = STACKERS[method]
    names = _targets(aligned, method)
    if validation:
        if len(validation) != len(tables):
            raise UsageError(
                f"{len(tables)} validation tables",
                f"{len(validation)}",
                "Name one per table, in order.",
            )
        fitting = _aligned([_read(table) for table in validation], shared_only)
        _same_names(fitting, names, method)
        return _finished(
            aligned[0], names, _stacked(aligned, fitting, names, stack), method != "svr"
        )
    return _finished(aligned[0], names, cross_fitted(aligned, names, stack, folds), method != "svr")


def _stacked(
    aligned: list[pd.DataFrame], fitting: list[pd.DataFrame], names: list[str], stack: Stacker
) -> pd.DataFrame:
    """Predictions of a stacker that was fitted on validation rows.

    In cross-validation what validates one fold is tested by another: then each fold and seed has a
    stacker of its own validation rows, so that none has seen the labels it is scored on.
    """
    if not set(fitting[0]["id"]) & set(aligned[0]["id"]):
        return stack(fitting, names)(aligned)
    predicted = []
    for key, rows in aligned[0].groupby(FOLD, sort=False):
        validating = fitting[0].index[(fitting[0][FOLD] == list(key)).all(axis=1)]
        if not len(validating):
            raise MmserError(
                f"validation rows of fold {key[0]}, seed {key[1]}",
                "none, and other folds validate on what is tested here",
                "Predict every fold's validation split: mmser evaluate run=DIR also=validation.",
            )
        fitted = stack([table.loc[validating].reset_index(drop=True) for table in fitting], names)
        tested = fitted([table.loc[rows.index].reset_index(drop=True) for table in aligned])
        predicted.append(tested.set_index(rows.index))
    return pd.concat(predicted).sort_index()


def _of_runs(tables: Sequence[str | Path | pd.DataFrame]) -> list[Path]:
    """The validation predictions beside those of runs."""
    paths = []
    for table in tables:
        path = None if isinstance(table, pd.DataFrame) else Path(table) / VALIDATION
        if path is None or not path.is_file():
            named = "a table" if isinstance(table, pd.DataFrame) else str(table)
            raise UsageError(
                f"{VALIDATION} in the folder of every run",
                f"none of {named}",
                "Run `mmser evaluate run=DIR also=validation`, or name tables with --validation.",
            )
        paths.append(path)
    return paths


def _mean_weights(weights: Mapping[tuple[str, int], np.ndarray]) -> str:
    means = np.mean(list(weights.values()), axis=0)
    return ", ".join(f"{weight:.2f}" for weight in means)


def _read(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    """A checked table whose probabilities and values can be reckoned with."""
    table = (
        checked_predictions(source, unlabelled=True)
        if isinstance(source, pd.DataFrame)
        else read_predictions(source, unlabelled=True)
    )
    name = "a table" if isinstance(source, pd.DataFrame) else str(source)
    probabilities = [column for column in map(str, table.columns) if column.startswith(PROBABILITY)]
    if probabilities:
        checked_probabilities(table[probabilities].to_numpy())
    for column in [PREDICTION + value for value in value_names(table)]:
        wrong = table.loc[~np.isfinite(table[column]), "id"]
        if len(wrong):
            found = f"none for {len(wrong)} utterances, {wrong.iloc[0]} first"
            raise MmserError(
                f"a number in {column} of every row of {name}",
                found,
                "Predict them, or leave them out.",
            )
    return table


def _aligned(tables: list[pd.DataFrame], shared_only: bool) -> list[pd.DataFrame]:
    """The same utterances in the same order in every table; their targets must agree."""
    if len(tables) < 2:
        raise UsageError(
            "at least two predictions tables", f"{len(tables)}", "Name one per system."
        )
    indexed = [table.set_index(KEY, drop=False) for table in tables]
    common = indexed[0].index
    for table in indexed[1:]:
        common = common[common.isin(table.index)]
    lacking = max(len(table) - len(common) for table in indexed)
    if not len(common) or (lacking and not shared_only):
        found = f"{len(common)} in all of them, {lacking} in one alone"
        remedy = "Predict them, or fuse what all tables have with --shared-only."
        if not len(common):
            remedy = "Check their ids, folds, seeds and conditions."
        raise MmserError(
            "the same utterances (condition, fold, seed, id) in every table", found, remedy
        )
    aligned = [table.loc[common].reset_index(drop=True) for table in indexed]
    for column in [c for c in aligned[0].columns if c == "target" or c.startswith(TARGET)]:
        _check_targets(aligned, column)
    return aligned


def _check_targets(aligned: list[pd.DataFrame], column: str) -> None:
    first = aligned[0][column]
    for number, table in enumerate(aligned[1:], start=2):
        if column not in table:
            raise MmserError(
                f"a column {column} in every table",
                f"none in table {number}",
                "Fuse tables of one task.",
            )
        other = table[column]
        same = (first.isna() & other.isna()) | (first == other)
        if column != "target":
            same |= pd.Series(np.isclose(first, other, rtol=1e-5, equal_nan=True))
        if not same.all():
            row = int(np.flatnonzero(~same)[0])
            found = f"{first[row]} and, in table {number}, {other[row]} for {aligned[0]['id'][row]}"
            raise MmserError(
                f"the same {column} in every table", found, "Fuse tables of one protocol."
            )


def _classes(aligned: list[pd.DataFrame]) -> list[str]:
    """Class names that all tables share; empty without a categorical task."""
    by_table = [class_names(table) for table in aligned]
    union = list(dict.fromkeys(chain.from_iterable(by_table)))
    if not union:
        return []
    for names, table in zip(by_table, aligned, strict=True):
        # Without probabilities a table shows only the classes that happen to occur.
        has_probabilities = PROBABILITY + union[0] in table
        if has_probabilities and set(names) != set(union):
            raise MmserError(
                f"the classes {', '.join(union)} in every table", ", ".join(names), "Fuse one task."
            )
    return union


def _probable(aligned: list[pd.DataFrame], classes: list[str]) -> bool:
    columns = {PROBABILITY + name for name in classes}
    return all(columns <= set(table.columns) for table in aligned)


def _mean(aligned: list[pd.DataFrame]) -> tuple[list[str], pd.DataFrame, bool]:
    classes, values = _classes(aligned), list(value_names(aligned[0]))
    if classes and not _probable(aligned, classes):
        raise MmserError(
            "probability columns in every table", "a table without", "Use --method vote."
        )
    columns = [PROBABILITY + name for name in classes] + [PREDICTION + name for name in values]
    mean = np.mean([table[columns].to_numpy() for table in aligned], axis=0)
    return classes, pd.DataFrame(mean, columns=columns), bool(classes)


def _vote(aligned: list[pd.DataFrame]) -> tuple[list[str], pd.DataFrame, bool]:
    """Shares of the vote as probabilities.

    A tie is decided as the docstring of `fuse_tables` says.
    """
    classes = _classes(aligned)
    if not classes:
        raise UsageError("predicted classes to vote on", "values only", "Use --method mean or svr.")
    # (table, row, class) -> (row, class): the share of the tables that predict the class.
    choices = [table["prediction"].to_numpy()[:, None] == np.array(classes) for table in aligned]
    votes = np.stack(choices).mean(0)
    if _probable(aligned, classes):
        columns = [PROBABILITY + name for name in classes]
        tie = np.mean([table[columns].to_numpy() for table in aligned], axis=0)
    else:
        tie = choices[0].astype(float)
    winner = np.where(votes == votes.max(axis=1, keepdims=True), 1 + tie, 0).argmax(axis=1)
    table = pd.DataFrame(votes, columns=[PROBABILITY + name for name in classes])
    table["prediction"] = np.array(classes, dtype=object)[winner]
    return classes, table, True


def _targets(aligned: list[pd.DataFrame], method: str) -> list[str]:
    names = list(value_names(aligned[0])) if method == "svr" else _classes(aligned)
    if not names:
        other = "logistic" if method == "svr" else "svr"
        what = "values" if method == "svr" else "classes"
        raise UsageError(
            f"tables with {what} for --method {method}",
            "none",
            f"Use --method {other}, mean or vote.",
        )
    _same_names(aligned, names, method)
    return names


def _same_names(tables: list[pd.DataFrame], names: list[str], method: str) -> None:
    prefix = PREDICTION if method == "svr" else PROBABILITY
    for number, table in enumerate(tables, start=1):
        missing = [prefix + name for name in names if prefix + name not in table]
        if missing:
            raise MmserError(
                f"the column {missing[0]} in every table",
                f"none in table {number}",
                "Fuse one task.",
            )


def _finished(
    first: pd.DataFrame, names: list[str], fused: pd.DataFrame, categorical: bool
) -> pd.DataFrame:
    """Identity and targets of the first table with the fused predictions."""
    targets = [
        column
        for column in first.columns
        if column.startswith(TARGET) and PREDICTION + column.removeprefix(TARGET) in fused
    ]
    identity = [
        c for c in PREDICTION_COLUMNS if c != "prediction" and (c != "target" or categorical)
    ]
    table = pd.concat([first[identity + targets], fused.reset_index(drop=True)], axis=1)
    if categorical and "prediction" not in table:
        probabilities = table[[PROBABILITY + name for name in names]].to_numpy()
        table["prediction"] = np.array(names, dtype=object)[probabilities.argmax(axis=1)]
    order = [c for c in PREDICTION_COLUMNS if c in table]
    return table[order + [c for c in table.columns if c not in order]]

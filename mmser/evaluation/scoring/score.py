"""Predictions tables -> one tidy table of scores with intervals.

Two averages answer two questions and are named apart by ``scope``:

pooled
    All folds and seeds as one table, scored once. Every class that any speaker acted takes part.
    ``low`` and ``high`` are the speaker-clustered bootstrap interval.
mean over folds
    Each fold and seed scored alone, then averaged; ``std_folds`` is the standard deviation (N - 1)
    over folds after averaging each fold's seeds, ``std_seeds`` over seeds after averaging each
    seed's folds.
seed, fold
    The single scores: all folds of one seed pooled, and one fold of one seed. A fold in which a
    class has no target averages over the classes it has (mmser.metrics.classification), so its UA
    is not comparable with another fold's to the last digit, and "mean over folds" differs from
    "pooled".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.metrics.bootstrap import DRAWS, LEVEL, cluster_sums, percentile_interval, resampled_sums
from mmser.metrics.families import Family, families_of
from mmser.metrics.predictions import checked_predictions, read_predictions

POOLED, MEAN, SEED, FOLD = "pooled", "mean over folds", "seed", "fold"
SCORE_COLUMNS = (
    *(
        "run",
        "condition",
        "scope",
        "fold",
        "seed",
        "metric",
        "value",
        "low",
        "high",
        "std_folds",
        "std_seeds",
    ),
    *("utterances", "clusters", "cluster"),
)


def score(
    tables: pd.DataFrame | str | PathLike[str] | Iterable[str | PathLike[str]],
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """Score a predictions table, a file (.csv, .parquet), a run's folder, or several of them.

    Returns SCORE_COLUMNS: one row per (run, condition, scope, fold, seed, metric). ``clusters``
    counts what the bootstrap resamples: speakers, or utterances where the table names no speaker
    (``cluster`` says which). Classes ``without`` (a background that is easy and frequent, say) add
    to each condition one that leaves out the utterances whose target they are; what is taken for
    one of them is still wrong. Raises MmserError when none is left.
    """
    tables_by_name = _tables_by_name(tables)
    rows: list[dict[str, Any]] = []
    for run, table in tables_by_name.items():
        for condition, group in table.groupby("condition", sort=False):
            for name, rows_of_condition in _with_and_without(str(condition), group, without):
                scored = _score_condition(rows_of_condition, draws, level, seed)
                rows.extend({"run": run, "condition": name} | row for row in scored)
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype(
        {"seed": "Int64", "clusters": "Int64"}
    )


def _with_and_without(
    condition: str, group: pd.DataFrame, classes: Sequence[str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The condition as it is and, where ``classes`` are named, its utterances of other targets."""
    yield condition, group
    if not classes:
        return
    # A table of values alone has no classes: nothing of it is labelled.
    classified = group if "target" in group else group.iloc[:0].assign(target=None)
    labelled = classified[classified["target"].notna()]
    others = labelled[~labelled["target"].isin(list(classes))]
    if len(others) in (0, len(labelled)):
        targets = ", ".join(sorted(map(str, labelled["target"].unique()))) or "none"
        raise MmserError(
            f"targets {', '.join(classes)} and others", targets, "Name a class of the table."
        )
    yield f"{condition}, without {', '.join(classes)}", others


def clusters_of(table: pd.DataFrame) -> tuple[np.ndarray, int, str]:
    """Cluster number of each row, how many clusters there are, and what they are.

    "speaker", or "utterance" where a speaker is unnamed.
    """
    if (table["speaker"] == "").any():
        numbers, names = pd.factorize(table["id"])
        return numbers, len(names), "utterance"
    numbers, names = pd.factorize(table["corpus"] + "\0" + table["speaker"])
    return numbers, len(names), "speaker"


def _tables_by_name(
    tables: pd.DataFrame | str | PathLike[str] | Iterable[str | PathLike[str]],
) -> dict[str, pd.DataFrame]:
    if isinstance(tables, pd.DataFrame):
        return {"": checked_predictions(tables)}
    listed = [tables] if isinstance(tables, str | PathLike) else tables
    paths = [Path(path) for path in listed]
    if not paths:
        raise MmserError(
            "at least one predictions table",
            "none",
            "Name a csv or parquet file, or a run's folder.",
        )
    # A run's own predictions table is named after the run's folder.
    names = [
        path.stem if path.stem != "predictions" else path.resolve().parent.name for path in paths
    ]
    unique = [
        name if names.count(name) == 1 else str(path)
        for name, path in zip(names, paths, strict=True)
    ]
    return {name: read_predictions(path) for name, path in zip(unique, paths, strict=True)}


def _score_condition(
    table: pd.DataFrame, draws: int, level: float, seed: int
) -> list[dict[str, Any]]:
    rows = []
    for family in families_of(table):
        single = [*_grouped(family, ["fold", "seed"], FOLD), *_grouped(family, ["seed"], SEED)]
        rows += [*_pooled(family, draws, level, seed), *_means(single), *single]
    return rows


def _pooled(family: Family, draws: int, level: float, seed: int) -> list[dict[str, Any]]:
    cluster, clusters, kind = clusters_of(family.rows)
    sums = cluster_sums(family.entries, cluster, clusters)
    resampled = resampled_sums(sums, draws, seed)
    rows = []
    for name, metric in family.metrics.items():
        low = high = np.nan
        if clusters > 1:  # a single cluster cannot vary: it has no interval
            low, high = percentile_interval(metric(resampled), level)
        row = {
            "scope": POOLED,
            "metric": name,
            "value": float(metric(sums.sum(0))),
            "low": low,
            "high": high,
        }
        rows.append(row | {"utterances": len(family.rows), "clusters": clusters, "cluster": kind})
    return rows


def _grouped(family: Family, keys: list[str], scope: str) -> list[dict[str, Any]]:
    """Scores of each group of rows that share ``keys``."""
    grouping = family.rows.groupby(keys, sort=True)
    groups: list[Any] = grouping.size().rename("utterances").reset_index().to_dict("records")
    sums = cluster_sums(family.entries, grouping.ngroup().to_numpy(), len(groups))
    rows = []
    for name, metric in family.metrics.items():
        for group, value in zip(groups, np.atleast_1d(metric(sums)), strict=True):
            rows.append({"scope": scope, "metric": name, "value": float(value)} | group)
    return rows


def _means(single: list[dict[str, Any]]) -> list[dict[str, Any]]:
    folds = pd.DataFrame([row for row in single if row["scope"] == FOLD])
    rows = []
    for name, scores in folds.groupby("metric", sort=False):
        # A score that is NaN in one fold makes the mean NaN: it is not left out in silence.
        by_fold = scores.groupby("fold")["value"].agg(lambda values: values.mean(skipna=False))
        by_seed = scores.groupby("seed")["value"].agg(lambda values: values.mean(skipna=False))
        spread = {"std_folds": by_fold.std(skipna=False), "std_seeds": by_seed.std(skipna=False)}
        row = {"scope": MEAN, "metric": name, "value": by_fold.mean(skipna=False)}
        rows.append(row | {"utterances": int(scores["utterances"].sum())} | spread)
    return rows

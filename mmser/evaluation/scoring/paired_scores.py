"""The scores of two runs over the same test utterances, and the tests of their difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import TARGET
from mmser.core.target_sets.classes import ClassTargets
from mmser.evaluation.scoring.score import clusters_of
from mmser.metrics.bootstrap import LEVEL, cluster_sums, percentile_interval, resampled_sums
from mmser.metrics.families import Family, families_of
from mmser.metrics.paired import corrected_t, mcnemar, wilcoxon
from mmser.metrics.table import metric_of
from mmser.runs.run_paths import ASSIGNMENT

TESTS = ("corrected_t", "wilcoxon", "mcnemar", "bootstrap")
_KEY = ["fold", "seed", "id"]


def paired_rows(
    tables: Mapping[str, pd.DataFrame], first: str, second: str, condition: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both runs' rows of the folds and seeds they share, row by row the same utterance."""
    indexed = []
    for name in (first, second):
        rows = tables[name][tables[name]["condition"] == condition]
        if rows.empty:
            conditions = ", ".join(tables[name]["condition"].unique())
            raise MmserError(
                f"predictions of {name} under '{condition}'",
                f"only {conditions}",
                "Evaluate it there too.",
            )
        indexed.append(rows.set_index(["fold", "seed"]).sort_index())
    shared = indexed[0].index.unique().intersection(indexed[1].index.unique())
    if shared.empty:
        raise MmserError(
            f"folds and seeds that {first} and {second} share",
            "none",
            "Train both with the same protocol and seeds.",
        )
    a, b = (_in_order(rows.loc[shared].reset_index()) for rows in indexed)
    targets = [column for column in a if column == "target" or str(column).startswith(TARGET)]
    same = len(a) == len(b) and a[_KEY].equals(b[_KEY]) and set(targets) <= set(b.columns)
    if not same or not a[targets].equals(b[targets]):
        raise MmserError(
            f"the same test utterances and labels in {first} and {second}",
            f"{len(a)} and {len(b)} rows that differ",
            "Only runs of one protocol on one corpus can be compared.",
        )
    return a, b


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(_KEY).reset_index(drop=True)


def compared_scores(
    a: pd.DataFrame,
    b: pd.DataFrame,
    metric: str,
    test_to_train: float | None,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """The pooled scores of two runs over `paired_rows`, and the p-value of each test, NaN for none.

    ``test_to_train`` is the number of test over that of training utterances of a fold, None where
    every other fold trains.
    """
    families = _family(a, metric), _family(b, metric)
    score, rows = families[0].metrics[metric], families[0].rows
    cluster, clusters, _ = clusters_of(rows)
    # (cluster, run, entry)
    by_cluster = [cluster_sums(family.entries, cluster, clusters) for family in families]
    sums = np.stack(by_cluster, axis=1)
    values = score(sums.sum(0))
    grouping = rows.groupby(["fold", "seed"], sort=True)
    row: dict[str, Any] = {
        "metric": metric,
        "first_value": float(values[0]),
        "second_value": float(values[1]),
        "difference": float(values[0] - values[1]),
        "pairs": grouping.ngroups,
        "clusters": clusters,
        "utterances": rows["id"].nunique(),
        "low": np.nan,
        "high": np.nan,
        **{f"p_{test}": np.nan for test in TESTS},
    }
    if clusters > 1:
        resampled = score(resampled_sums(sums, draws, seed))
        gaps = resampled[:, 0] - resampled[:, 1]
        row["low"], row["high"] = percentile_interval(gaps, LEVEL)
        # Two-sided: twice the smaller share of draws on one side of zero.
        smaller_share = min(float(np.mean(gaps <= 0)), float(np.mean(gaps >= 0)))
        row["p_bootstrap"] = min(1.0, 2 * smaller_share)
    first, second = (_by_fold(family, score, grouping) for family in families)
    if grouping.ngroups > 1 and np.isfinite([first, second]).all():
        ratio = _cross_validated(rows) if test_to_train is None else test_to_train
        row["p_corrected_t"] = corrected_t(first, second, ratio).p
        row["p_wilcoxon"] = wilcoxon(first, second).p
    stated = metric_of(metric)
    if stated is not None and stated.sums.kind == ClassTargets.kind:
        row["p_mcnemar"] = _mcnemar(rows, families[1].rows)
    return row


def _by_fold(family: Family, score: Callable[..., Any], grouping: Any) -> np.ndarray:
    """(fold x seed,) scores."""
    sums = cluster_sums(family.entries, grouping.ngroup().to_numpy(), grouping.ngroups)
    return np.atleast_1d(score(sums))


def _mcnemar(a: pd.DataFrame, b: pd.DataFrame) -> float:
    one = (a["seed"] == a["seed"].min()).to_numpy()
    right = [(rows["target"] == rows["prediction"]).to_numpy()[one] for rows in (a, b)]
    return mcnemar(*right).p


def _family(table: pd.DataFrame, metric: str) -> Family:
    families = families_of(table)
    for family in families:
        if metric in family.metrics:
            return family
    names = ", ".join(chain.from_iterable(family.metrics for family in families))
    raise MmserError(f"a metric among {names}", f"'{metric}'", "Name another with --metric.")


def _cross_validated(rows: pd.DataFrame) -> float:
    sizes = rows.drop_duplicates(["fold", "id"]).groupby("fold").size()
    if len(sizes) < 2:
        raise MmserError(
            "the number of training utterances",
            f"one fold and no {ASSIGNMENT}",
            "Compare run folders.",
        )
    return float((sizes / (sizes.sum() - sizes)).mean())

"""Are two systems different? Paired tests over the same folds, seeds and utterances.

For each pair of runs, on one metric of one condition:

- *corrected t*: Nadeau and Bengio's resampled t-test over folds x seeds (plain t-tests are far too
  sure here);
- *Wilcoxon*: signed ranks over folds x seeds;
- *McNemar*: exact, over utterances of the lowest common seed (classes only);
- *bootstrap*: the difference of the pooled scores when whole speakers are resampled, the same ones
  for both runs, with its interval; p is twice the smaller share of draws on one side of zero.

All p-values are adjusted for the number of pairs (Holm). Two runs are called different only if both
the corrected t-test and the bootstrap say so at `ALPHA` after adjustment, else "not
distinguishable": no proof that they are equal. One fold and seed allow no t-test: there McNemar
takes its place, and ``judged_by`` says so. It cannot tell how much another training would have
changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import CLEAN, TARGET, read_parquet
from mmser.core.target_sets.classes import ClassTargets
from mmser.evaluation.scoring.score import clusters_of
from mmser.metrics.bootstrap import DRAWS, LEVEL, cluster_sums, percentile_interval, resampled_sums
from mmser.metrics.families import Family, families_of
from mmser.metrics.paired import corrected_t, holm, mcnemar, wilcoxon
from mmser.metrics.predictions import read_predictions
from mmser.metrics.table import better, in_order, metric_of, shown, title
from mmser.runs.run_paths import ASSIGNMENT

ALPHA = 0.05
SAME = "not distinguishable"
TESTS = ("corrected_t", "wilcoxon", "mcnemar", "bootstrap")
COLUMNS = (
    *("first", "second", "metric", "first_value", "second_value", "difference", "low", "high"),
    *(f"p_{test}" for test in TESTS),
    *("pairs", "utterances", "clusters", "judged_by", "verdict"),
)
"""``difference`` = first - second, pooled, with its interval; ``p_`` are adjusted; ``pairs`` counts
folds x seeds; ``judged_by`` lists the tests that must agree."""

_KEY = ["fold", "seed", "id"]


def compare(
    runs: Sequence[str | Path],
    metric: str | None = None,
    condition: str = CLEAN,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """COLUMNS, one row per pair of runs (folders or predictions tables), in the order given.

    Without ``metric`` it is the main metric of what was predicted (UA, or a CCC). Compared are the
    folds and seeds that both have. Raises MmserError for fewer than two runs, when two share no
    fold and seed, or when a shared one has other utterances or labels.
    """
    paths = [Path(run) for run in runs]
    if len({path.resolve() for path in paths}) < 2 or len({path.resolve() for path in paths}) < len(
        paths
    ):
        raise MmserError(
            "two or more different runs", f"{len(paths)}", "Name each run's folder once."
        )
    names = [path.resolve().name for path in paths]
    names = [
        name if names.count(name) == 1 else str(path)
        for name, path in zip(names, paths, strict=True)
    ]
    tables = {name: read_predictions(path) for name, path in zip(names, paths, strict=True)}
    ratios = [_test_to_train(path) for path in paths]
    ratio = next((ratio for ratio in ratios if ratio is not None), None)
    return compare_tables(tables, metric, condition, ratio, draws, seed)


def compare_tables(
    tables: Mapping[str, pd.DataFrame],
    metric: str | None = None,
    condition: str = CLEAN,
    test_to_train: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """The same from checked predictions tables by name.

    ``test_to_train`` is the number of test over that of training utterances of a fold; None takes
    every utterance that is tested in another fold as training (the folds of a cross-validation).
    """
    name = metric or _main_metric(next(iter(tables.values())))
    pairs = list(combinations(tables, 2))
    rows = [
        {"first": first, "second": second}
        | _compared(*_paired(tables, first, second, condition), name, test_to_train, draws, seed)
        for first, second in pairs
    ]
    table = pd.DataFrame(rows)
    for test in TESTS:
        known = table[f"p_{test}"].notna()
        table.loc[known, f"p_{test}"] = holm(table.loc[known, f"p_{test}"].to_list())
    judges = [_judges(row) for row in table.to_dict("records")]
    agreed = [
        bool(tests) and all(row[f"p_{test}"] < ALPHA for test in tests)
        for tests, row in zip(judges, table.to_dict("records"), strict=True)
    ]
    first_is_better = [
        row["difference"] > 0 if better(row["metric"]) == "max" else row["difference"] < 0
        for row in table.to_dict("records")
    ]
    winner = table["first"].where(pd.Series(first_is_better, dtype=bool), table["second"])
    verdict = winner + " is better"
    listed = [", ".join(tests) for tests in judges]
    return table.assign(
        judged_by=listed, verdict=verdict.where(pd.Series(agreed, dtype=bool), SAME)
    )[list(COLUMNS)]


def _judges(row: Mapping[Any, Any]) -> list[str]:
    """The tests that must agree: over trainings where there are several, else over utterances; and
    over speakers.
    """
    known = [test for test in TESTS if row[f"p_{test}"] == row[f"p_{test}"]]
    first = next((test for test in ("corrected_t", "mcnemar") if test in known), None)
    return [test for test in (first, "bootstrap") if test in known]


def compare_text(table: pd.DataFrame) -> str:
    """The table for a terminal, and what it says in words."""
    lines = []
    for row in table.to_dict("records"):
        first, second, gap, low, high = (
            shown(row["metric"], row[key])
            for key in ("first_value", "second_value", "difference", "low", "high")
        )
        tests = ", ".join(
            f"{_named([test])} {row[f'p_{test}']:.3f}"
            for test in TESTS
            if row[f"p_{test}"] == row[f"p_{test}"]
        )
        lines += [
            f"{row['first']} against {row['second']}: {row['verdict']}",
            f"  {title(row['metric'])} {first} and {second}, difference {gap} [{low}, {high}] "
            f"({row['pairs']} folds x seeds, {row['utterances']} utterances, {row['clusters']} "
            "speakers)",
            "  p (Holm): "
            f"{tests or 'one fold and one speaker allow no test'}{_caution(row['judged_by'])}",
        ]
    lines.append(
        "Interval: speakers resampled. 'Not distinguishable' means not shown to differ, not "
        "shown to be equal."
    )
    return "\n".join(lines)


def _caution(judged_by: str) -> str:
    """What a verdict without a t-test rests on."""
    if not judged_by or "corrected_t" in judged_by:
        return ""
    tests = _named(judged_by.split(", "))
    return (
        f", judged by {tests}: one fold and seed allow no t-test, nor show what training "
        "again would change"
    )


def _named(tests: Sequence[str]) -> str:
    """Tests in words: "mcnemar and bootstrap"."""
    return " and ".join(test.replace("_", " ") for test in tests)


def _paired(
    tables: Mapping[str, pd.DataFrame], first: str, second: str, condition: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both runs' rows of the folds and seeds they share, row by row the same utterance."""
    chosen = []
    for name in (first, second):
        rows = tables[name][tables[name]["condition"] == condition]
        if rows.empty:
            known = ", ".join(tables[name]["condition"].unique())
            raise MmserError(
                f"predictions of {name} under '{condition}'",
                f"only {known}",
                "Evaluate it there too.",
            )
        chosen.append(rows.set_index(["fold", "seed"]).sort_index())
    shared = chosen[0].index.unique().intersection(chosen[1].index.unique())
    if shared.empty:
        raise MmserError(
            f"folds and seeds that {first} and {second} share",
            "none",
            "Train both with the same protocol and seeds.",
        )
    a, b = (
        rows.loc[shared].reset_index().sort_values(_KEY).reset_index(drop=True) for rows in chosen
    )
    targets = [column for column in a if column == "target" or str(column).startswith(TARGET)]
    same = len(a) == len(b) and a[_KEY].equals(b[_KEY]) and set(targets) <= set(b.columns)
    if not same or not a[targets].equals(b[targets]):
        raise MmserError(
            f"the same test utterances and labels in {first} and {second}",
            f"{len(a)} and {len(b)} rows that differ",
            "Only runs of one protocol on one corpus can be compared.",
        )
    return a, b


def _compared(
    a: pd.DataFrame,
    b: pd.DataFrame,
    metric: str,
    test_to_train: float | None,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    first, second = _family(a, metric), _family(b, metric)
    score = first.metrics[metric]
    grouping = first.rows.groupby(["fold", "seed"], sort=True)
    by_fold = [
        np.atleast_1d(
            score(cluster_sums(f.entries, grouping.ngroup().to_numpy(), grouping.ngroups))
        )
        for f in (first, second)
    ]
    cluster, clusters, _ = clusters_of(first.rows)
    sums = np.stack(
        [cluster_sums(family.entries, cluster, clusters) for family in (first, second)], axis=1
    )
    values = score(sums.sum(0))
    row: dict[str, Any] = {
        "metric": metric,
        "first_value": float(values[0]),
        "second_value": float(values[1]),
    }
    row |= {
        "difference": float(values[0] - values[1]),
        "pairs": grouping.ngroups,
        "clusters": clusters,
    }
    row |= {"utterances": first.rows["id"].nunique(), "low": np.nan, "high": np.nan}
    row |= {f"p_{test}": np.nan for test in TESTS}
    if clusters > 1:
        drawn = score(resampled_sums(sums, draws, seed))
        gaps = drawn[:, 0] - drawn[:, 1]
        row["low"], row["high"] = percentile_interval(gaps, LEVEL)
        row["p_bootstrap"] = min(1.0, 2 * min(float(np.mean(gaps <= 0)), float(np.mean(gaps >= 0))))
    if grouping.ngroups > 1 and np.isfinite(by_fold).all():
        ratio = _cross_validated(first.rows) if test_to_train is None else test_to_train
        row["p_corrected_t"] = corrected_t(by_fold[0], by_fold[1], ratio).p
        row["p_wilcoxon"] = wilcoxon(by_fold[0], by_fold[1]).p
    known_metric = metric_of(metric)
    if known_metric is not None and known_metric.sums.kind == ClassTargets.kind:
        row["p_mcnemar"] = _mcnemar(first.rows, second.rows)
    return row


def _mcnemar(a: pd.DataFrame, b: pd.DataFrame) -> float:
    one = (a["seed"] == a["seed"].min()).to_numpy()
    right = [(rows["target"] == rows["prediction"]).to_numpy()[one] for rows in (a, b)]
    return mcnemar(*right).p


def _main_metric(table: pd.DataFrame) -> str:
    names = [name for family in families_of(table) for name in family.metrics]
    return in_order(sorted(names))[0]


def _family(table: pd.DataFrame, metric: str) -> Family:
    families = families_of(table)
    for family in families:
        if metric in family.metrics:
            return family
    known = ", ".join(name for family in families for name in family.metrics)
    raise MmserError(f"a metric among {known}", f"'{metric}'", "Name another with --metric.")


def _test_to_train(path: Path) -> float | None:
    """Mean over folds of test to training utterances, from the run's fold assignment
    if it has one.
    """
    file = path / ASSIGNMENT
    if not file.is_file():
        return None
    counts = read_parquet(file, "Train the run again.").groupby(["fold", "part"]).size().unstack()
    return float((counts["test"] / counts["train"]).mean())


def _cross_validated(rows: pd.DataFrame) -> float:
    sizes = rows.drop_duplicates(["fold", "id"]).groupby("fold").size()
    if len(sizes) < 2:
        raise MmserError(
            "the number of training utterances",
            "one fold and no assignment.parquet",
            "Compare run folders.",
        )
    return float((sizes / (sizes.sum() - sizes)).mean())

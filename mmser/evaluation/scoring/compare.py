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
from itertools import chain, combinations
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import CLEAN, SPLIT_COLUMN, read_parquet
from mmser.evaluation.scoring.paired_scores import TESTS, compared_scores, paired_rows
from mmser.metrics.bootstrap import DRAWS
from mmser.metrics.families import families_of
from mmser.metrics.paired import holm
from mmser.metrics.predictions import read_predictions
from mmser.metrics.table import better, in_order
from mmser.runs.run_paths import ASSIGNMENT

ALPHA = 0.05
"""Below it, after adjustment, two runs are called different."""
SAME = "not distinguishable"
COLUMNS = (
    *("first", "second", "metric", "first_value", "second_value", "difference", "low", "high"),
    *(f"p_{test}" for test in TESTS),
    *("pairs", "utterances", "clusters", "judged_by", "verdict"),
)
"""``difference`` = first - second, pooled, with its interval; ``p_`` are adjusted; ``pairs`` counts
folds x seeds; ``judged_by`` lists the tests that must agree."""


def compare(
    runs: Sequence[str | PathLike[str]],
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
    different = {path.resolve() for path in paths}
    if len(different) < 2 or len(different) < len(paths):
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
    rows = []
    for first, second in pairs:
        paired = paired_rows(tables, first, second, condition)
        compared = compared_scores(*paired, name, test_to_train, draws, seed)
        rows.append({"first": first, "second": second, **compared})
    table = pd.DataFrame(rows)
    for test in TESTS:
        is_tested = table[f"p_{test}"].notna()
        table.loc[is_tested, f"p_{test}"] = holm(table.loc[is_tested, f"p_{test}"].to_list())
    judges = [_judges(row) for row in table.to_dict("records")]
    agreed, first_is_better = [], []
    for tests, row in zip(judges, table.to_dict("records"), strict=True):
        agreed.append(bool(tests) and max(row[f"p_{test}"] for test in tests) < ALPHA)
        sign = 1.0 if better(row["metric"]) == "max" else -1.0
        first_is_better.append(sign * row["difference"] > 0)
    winner = table["first"].where(pd.Series(first_is_better, dtype=bool), table["second"])
    verdict = winner + " is better"
    listed = [", ".join(tests) for tests in judges]
    return table.assign(
        judged_by=listed, verdict=verdict.where(pd.Series(agreed, dtype=bool), SAME)
    )[list(COLUMNS)]


def _judges(row: Mapping[Any, Any]) -> list[str]:
    """The tests that must agree: one over trainings or else utterances, and one over speakers."""
    is_tested = [test for test in TESTS if row[f"p_{test}"] == row[f"p_{test}"]]
    first = next((test for test in ("corrected_t", "mcnemar") if test in is_tested), None)
    return [test for test in (first, "bootstrap") if test in is_tested]


def _main_metric(table: pd.DataFrame) -> str:
    names = chain.from_iterable(family.metrics for family in families_of(table))
    return in_order(sorted(names))[0]


def _test_to_train(path: Path) -> float | None:
    """Mean over folds of test to training utterances; None without a fold assignment."""
    file = path / ASSIGNMENT
    if not file.is_file():
        return None
    assignment = read_parquet(file, "Train the run again.")
    # (fold, split)
    counts = assignment.groupby(["fold", SPLIT_COLUMN]).size().unstack()
    return float((counts["test"] / counts["train"]).mean())

"""Which of the runs are shown to differ: paired tests, adjusted for their number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import SPLIT_COLUMN
from mmser.evaluation.scoring.compare import SAME, compare_tables
from mmser.evaluation.scoring.paired_scores import TESTS
from mmser.metrics.table import UNDEFINED, leading, shown, title
from mmser.reports.page import Html, note, section, table
from mmser.reports.reported_run import ReportedRun


def comparison(runs: list[ReportedRun]) -> Html:
    """One row per pair of runs on UA, or on the first dimension's CCC.

    A line instead when they cannot be paired.
    """
    if len(runs) < 2:
        return section(
            "Comparison", [note("One run alone; a report of several compares them pairwise.")]
        )
    metric = leading(sorted(set(runs[0].scores["metric"])))[0]
    try:
        pairs = compared(runs, metric)
    except MmserError as error:
        return section("Comparison", [note(f"The runs cannot be compared pair by pair: {error}")])
    head = [
        "Runs",
        "Verdict",
        title(metric),
        "Difference",
        *(f"p, {test.replace('_', ' ')}" for test in TESTS),
    ]
    rows = []
    for row in pairs.to_dict("records"):
        both = shown(metric, row["first_value"]), "and", shown(metric, row["second_value"])
        values = NO_BREAK.join(both)
        interval = f"{shown(metric, row['low'])} to {shown(metric, row['high'])}"
        gap = Html(f"{shown(metric, row['difference'])} <small>{interval}</small>")
        p_values = [_p_value(row[f"p_{test}"]) for test in TESTS]
        rows.append([f"{row['first']} / {row['second']}", row["verdict"], values, gap, *p_values])
    return section("Comparison", [table(head, rows, text=2, stacked=True), note(_METHOD)])


NO_BREAK = "\N{NO-BREAK SPACE}"

_METHOD = (
    "Same folds, seeds and utterances in both runs. Corrected resampled t-test and Wilcoxon over "
    "folds and seeds, exact McNemar over utterances, bootstrap of whole speakers; p-values "
    "adjusted by Holm. Runs are called different when corrected t-test and bootstrap agree at 5 "
    f"percent (McNemar and bootstrap where one fold and seed allow no t-test); {SAME} does not "
    "mean equal."
)


def compared(runs: Sequence[ReportedRun], metric: str) -> pd.DataFrame:
    """Every pair of the runs, as `compare_tables` gives it; MmserError where none can be made."""
    tables = {run.name: run.predictions for run in runs}
    return compare_tables(tables, metric, test_to_train=_ratio(runs))


def _p_value(p: float) -> str:
    if math.isnan(p):
        return UNDEFINED
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _ratio(runs: Sequence[ReportedRun]) -> float | None:
    """Test utterances per training utterance, mean over folds; None without an assignment."""
    for run in runs:
        if run.assignment is not None:
            counts = run.assignment.groupby(["fold", SPLIT_COLUMN]).size().unstack()
            return float((counts["test"] / counts["train"]).mean())
    return None

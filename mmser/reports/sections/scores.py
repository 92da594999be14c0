"""The scores: pooled with intervals, and their mean over folds.

Intervals are speaker-clustered; the mean has both standard deviations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmser.evaluation.scoring.score import FOLD, MEAN, POOLED
from mmser.metrics.bootstrap import DRAWS, LEVEL
from mmser.metrics.table import is_headline, meaning, notes, shown, title
from mmser.reports.page import Html, bullets, folded, heading, join, note, section, table
from mmser.reports.reported_run import ReportedRun

_SPREADS = {
    "value": "Mean over folds",
    "std_folds": "SD over folds",
    "std_seeds": "SD over seeds",
}


def scores(runs: list[ReportedRun]) -> Html:
    """Overview of all runs and conditions, then every metric of each."""
    everything = pd.concat([run.scores for run in runs], ignore_index=True)
    blocks: list[Html] = []
    if len(everything[["run", "condition"]].drop_duplicates()) > 1:
        blocks.append(_overview(everything))
    tables = list(everything.groupby(["run", "condition"], sort=False))
    for (run, condition), group in tables:
        blocks += [heading(f"{run}, condition {condition}", tables), _full(group), _folds(group)]
    names = list(everything["metric"].unique())
    meanings = bullets(Html(f"<b>{title(name)}</b>: {meaning(name)}") for name in names)
    blocks += [
        _method(everything),
        folded("What each score means", join([meanings, *map(note, notes(names))])),
    ]
    return section("Scores", blocks)


def _overview(everything: pd.DataFrame) -> Html:
    pooled = everything[everything["scope"] == POOLED]
    names = [name for name in pooled["metric"].unique() if is_headline(name)]
    rows = []
    for (run, condition), group in pooled.groupby(["run", "condition"], sort=False):
        by_name = group.set_index("metric").to_dict("index")
        cells = [_with_interval(name, by_name) for name in names]
        rows.append([run, condition, *cells])
    return table(
        ["Run", "Condition", *map(title, names)],
        rows,
        "Pooled over folds and seeds, with intervals",
        text=2,
    )


def _with_interval(name: str, by_name: Mapping[Any, Any]) -> Html:
    if name not in by_name:
        return Html("")
    row = by_name[name]
    return Html(f"{shown(name, row['value'])} <small>{_interval(name, row)}</small>")


def _interval(name: str, row: Any) -> str:
    if pd.isna(row["low"]):
        return "none"
    return f"{shown(name, row['low'])} to {shown(name, row['high'])}"


def _full(group: pd.DataFrame) -> Html:
    means = group[group["scope"] == MEAN].set_index("metric")
    # One fold or seed has no deviation.
    columns = [column for column in _SPREADS if means[column].notna().any()]
    rows = []
    for _, row in group[group["scope"] == POOLED].iterrows():
        name, mean = row["metric"], means.loc[row["metric"]]
        spread = [shown(name, mean[column]) for column in columns]
        rows.append([title(name), shown(name, row["value"]), _interval(name, row), *spread])
    head = ["Score", "Pooled", f"{LEVEL:.0%} interval", *(_SPREADS[column] for column in columns)]
    return table(head, rows)


def _folds(group: pd.DataFrame) -> Html:
    single = group[group["scope"] == FOLD]
    names = [name for name in group["metric"].unique() if is_headline(name)]
    wide = single.pivot(index=["fold", "seed"], columns="metric", values="value")
    counts = single.drop_duplicates(["fold", "seed"]).set_index(["fold", "seed"])["utterances"]
    rows = []
    for key, values in zip(wide.index, wide[names].to_numpy(), strict=True):
        cells = map(shown, names, values)
        rows.append([*key, int(counts[key]), *cells])
    return folded(
        f"Every fold and seed ({len(rows)})",
        table(["Fold", "Seed", "Utterances", *map(title, names)], rows),
    )


def _method(everything: pd.DataFrame) -> Html:
    pooled = everything[everything["scope"] == POOLED]
    counts = set()
    for _, row in pooled.drop_duplicates(["run", "condition"]).iterrows():
        counts.add(f"{int(row['clusters'])} {row['cluster']}s")
    clusters = ", ".join(sorted(counts))
    lines = [
        note(
            f"Accuracies, F1 and precision in percent. Intervals: percentile bootstrap, {DRAWS} "
            f"draws of {clusters} with replacement, all utterances of a speaker together. With "
            "fewer than about ten they are too narrow."
        ),
        note(
            "Pooled: all folds and seeds scored as one table, so every class counts that any "
            "speaker has. Mean over folds: each fold scored alone over the classes it has. SD: "
            "standard deviation with N - 1."
        ),
    ]
    return join(lines)

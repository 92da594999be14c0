"""The ablation grid: what was trained by what the test split had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmser.metrics.table import leading, shown, title
from mmser.reports.page import Html, bullets, heading, join, method, note, section, table
from mmser.reports.reported_run import ReportedRun
from mmser.runs.run_paths import ABLATION


def ablation(runs: list[ReportedRun]) -> Html:
    """One grid per run and metric."""
    blocks: list[Html] = []
    for run in runs:
        scores = run.folder.table(ABLATION)
        if scores is not None:
            blocks += [heading(run.name, runs), _grids(scores)]
        else:
            blocks.append(note(f"{run.name}: nothing was taken away: see `mmser ablate`."))
    return section("Ablation", blocks)


def _grids(scores: pd.DataFrame) -> Html:
    metrics = leading(sorted(set(scores["metric"].dropna())))
    blocks = [_grid(scores[scores["metric"] == name], name) for name in metrics]
    failed = scores[scores["note"] != ""]
    lines = [f"{name}: {text}" for name, text in zip(failed["train"], failed["note"], strict=True)]
    blocks += [bullets(lines)] if lines else []
    blocks.append(
        method(
            "Rows: what was trained; columns: what the test split had, the rest masked. Absent r: "
            "each modality of each utterance missing with probability r, but never all; mean over "
            "draws. A dash: that model has no such input. Retrained rows use the same folds, seeds "
            "and budget. Small: speaker-clustered 95 % interval."
        )
    )
    return join(blocks)


def _grid(scores: pd.DataFrame, metric: str) -> Html:
    tests = list(dict.fromkeys(scores["test"]))
    rows = []
    for name, group in scores.groupby("train", sort=False):
        cells = group.set_index("test").to_dict("index")
        rows.append([name, *(_cell(metric, cells.get(test)) for test in tests)])
    return table(["Trained on", *tests], rows, f"{title(metric)}, pooled")


def _cell(metric: str, score: Mapping[Any, Any] | None) -> Html:
    if score is None:
        return Html("&ndash;")
    interval = f"{shown(metric, score['low'])} to {shown(metric, score['high'])}"
    return Html(f"{shown(metric, score['value'])} <small>{interval}</small>")

"""Who is served worse, and how much of it the words alone could tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmser.core.tables import CLEAN
from mmser.evaluation.scoring.equal_words import equal_words
from mmser.evaluation.scoring.group_scores import described_predictions, group_scores
from mmser.evaluation.scoring.group_text import words_line
from mmser.metrics.table import shown, title
from mmser.reports.page import Html, heading, note, section, table
from mmser.reports.reported_run import ReportedRun


def groups(runs: list[ReportedRun]) -> Html:
    """Scores and gaps of each run under the clean condition, then the test of equal words."""
    blocks: list[Html] = []
    for run in runs:
        described = described_predictions(run.folder.directory)
        clean = described[described["condition"] == CLEAN]
        blocks += [heading(run.name, runs), *_of_run(clean)]
    blocks.append(
        note(
            "A gap is the first group's score minus the second's; its interval is that of the "
            "same draws of speakers for both. By the words alone: each utterance has the class "
            "that other speakers say its words in most."
        )
    )
    return section("Groups of speakers and equal words", blocks)


def _of_run(clean: pd.DataFrame) -> list[Html]:
    blocks = []
    scores = group_scores(clean) if len(clean) else pd.DataFrame(columns=["attribute"])
    if len(scores):
        blocks.append(_table(scores))
    else:
        blocks.append(
            note("No gender, language or age group of which two are known: nothing to compare.")
        )
    words = equal_words(clean) if len(clean) else None
    blocks.append(note(f"{words_line(words)}." if words else "The words are not known."))
    return blocks


def _table(scores: pd.DataFrame) -> Html:
    metrics = list(scores["metric"].unique())
    rows = []
    for (attribute, group, than), each in scores.groupby(
        ["attribute", "group", "than"], sort=False
    ):
        by_metric = each.set_index("metric").to_dict("index")
        first = each.iloc[0]
        name = f"{group} minus {than}" if than else str(group)
        cells = [_cell(metric, by_metric.get(metric)) for metric in metrics]
        what = str(attribute).replace("_", " ")
        rows.append([what, name, int(first["speakers"]), int(first["utterances"]), *cells])
    head = ["By", "Group or gap", "Speakers", "Predictions", *map(title, metrics)]
    return table(head, rows, text=2)


def _cell(metric: str, row: Mapping[Any, Any] | None) -> Html | str:
    if row is None:
        return ""
    interval = "none"
    if not pd.isna(row["low"]):
        interval = f"{shown(metric, row['low'])} to {shown(metric, row['high'])}"
    return Html(f"{shown(metric, row['value'])} <small>{interval}</small>")

"""Who is served worse, what is judged worse, and how much of it the words alone could tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmser.core.tables import CLEAN
from mmser.evaluation.scoring.equal_words import equal_words
from mmser.evaluation.scoring.group_scores import described_predictions, group_scores
from mmser.evaluation.scoring.group_text import words_line
from mmser.metrics.table import in_order, shown, title
from mmser.reports.figures import row
from mmser.reports.intervals import interval_plot
from mmser.reports.page import Html, heading, method, note, section, table
from mmser.reports.reported_run import ReportedRun


def groups(runs: list[ReportedRun]) -> Html:
    """Scores and gaps of each run under the clean condition, then the test of equal words."""
    blocks: list[Html] = []
    for run in runs:
        described = described_predictions(run.folder.directory)
        clean = described[described["condition"] == CLEAN]
        blocks += [heading(run.name, runs), *_of_run(clean)]
    blocks.append(
        method(
            "A gap is the first group's score minus the second's; its interval is that of the "
            "same draws of speakers for both. By the words alone: each utterance has the class "
            "that other speakers say its words in most."
        )
    )
    return section("Groups and equal words", blocks)


def _of_run(clean: pd.DataFrame) -> list[Html]:
    blocks = []
    scores = group_scores(clean) if len(clean) else pd.DataFrame(columns=["attribute"])
    if len(scores):
        blocks += [row(_pictures(scores)), _table(scores)]
    else:
        blocks.append(
            note(
                "No corpus, gender, language, age group or intensity of which two are known: "
                "nothing to compare."
            )
        )
    words = equal_words(clean) if len(clean) else None
    blocks.append(note(f"{words_line(words)}." if words else "The words are not known."))
    return blocks


def _pictures(scores: pd.DataFrame) -> list[Html]:
    """The main score of each group, an attribute in a picture."""
    metric = in_order(list(scores["metric"].unique()))[0]
    chosen = scores[(scores["metric"] == metric) & (scores["than"] == "")]
    return [
        interval_plot({str(each["group"]): each for each in rows.to_dict("records")}, metric)
        for _, rows in chosen.groupby("attribute", sort=False)
    ]


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


def _cell(metric: str, found: Mapping[Any, Any] | None) -> Html | str:
    if found is None:
        return ""
    interval = "none"
    if not pd.isna(found["low"]):
        interval = f"{shown(metric, found['low'])} to {shown(metric, found['high'])}"
    return Html(f"{shown(metric, found['value'])} <small>{interval}</small>")

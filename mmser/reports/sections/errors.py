"""The most confident errors and the least confident right answers, to be read and heard."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mmser.core.tables import CLEAN, PROBABILITY
from mmser.core.target_sets.classes import class_names
from mmser.core.utterance import Utterance
from mmser.reports.page import Html, element, heading, method, note, section, table
from mmser.reports.players import Players
from mmser.reports.reported_run import ReportedRun

MOST = 10
"""Utterances of each list."""

_HEAD = ("Utterance", "Target", "Prediction", "Probability", "Speaker", "Words", "Recording")


def errors(runs: list[ReportedRun], players: Players | None) -> Html:
    """Both lists of each run, of its undisturbed test splits; without ``players`` silent."""
    blocks: list[Html] = []
    for run in runs:
        answers = confident(run)
        if answers.empty:
            why = "no probabilities of classes under the clean condition"
            blocks.append(note(f"{run.name}: {why}."))
            continue
        is_wrong = answers["target"] != answers["prediction"]
        wrong = answers[is_wrong].sort_values(["probability", "id"], ascending=[False, True])
        right = answers[~is_wrong].sort_values(["probability", "id"])
        blocks.append(heading(run.name, runs))
        for title, rows in (
            ("Most confident errors", wrong),
            ("Least confident right answers", right),
        ):
            # The extreme answer of an utterance stands for it, whatever fold or seed gave it.
            listed = rows.drop_duplicates(["corpus", "id"]).head(MOST)
            blocks += [element("h3", f"{title} ({len(listed)} of {len(rows)})")]
            blocks.append(_table(run, listed, players) if len(listed) else note("None."))
    blocks.append(
        method(
            "Undisturbed test splits, all folds and seeds; an utterance stands once, with its most "
            "extreme answer. A confident error may be an error of the label. Sound is in the page "
            "as far as there is room, else it is linked: the corpus's licence says who may hear it."
        )
    )
    return section("Errors", blocks)


def confident(run: ReportedRun) -> pd.DataFrame:
    """Predictions of labelled clean rows with ``probability``, that of the predicted class."""
    predicted, classes = run.predictions, class_names(run.predictions)
    columns = [PROBABILITY + name for name in classes]
    if not classes or not set(columns) <= set(predicted.columns):
        return predicted.iloc[:0]
    rows = predicted[(predicted["condition"] == CLEAN) & predicted["target"].notna()]
    place = [classes.index(name) for name in rows["prediction"]]
    values = rows[columns].to_numpy(float)[range(len(rows)), place]
    rows = rows.assign(probability=values)
    return rows[rows["probability"].notna()]


def _table(run: ReportedRun, rows: pd.DataFrame, players: Players | None) -> Html:
    lines = []
    for row in rows.to_dict("records"):
        known = run.utterance(str(row["corpus"]), str(row["id"]))
        lines.append(_line(row, known, players))
    return table(_HEAD, lines, text=len(_HEAD), stacked=True)


def _line(row: dict[Any, Any], known: Utterance | None, players: Players | None) -> list[object]:
    probability = f"{row['probability']:.2f}"
    about = [row["id"], row["target"], row["prediction"], probability, row["speaker"]]
    if known is None:
        return [*about, "", ""]
    return [*about, known.transcript or "", players.player(known) if players else ""]

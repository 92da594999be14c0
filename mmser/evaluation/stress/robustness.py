"""The robustness table of a run: scores against the strength of the disturbance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mmser.evaluation.stress.conditions import SCORED, condition_scores, replace_rows
from mmser.metrics.table import in_order, shown, title
from mmser.runs.run_paths import ROBUSTNESS, ROBUSTNESS_PREDICTIONS
from mmser.training.run import Run

COLUMNS = ("family", "condition", "level", "achieved", "normaliser", *SCORED[1:])
"""``family`` names a curve ("controlled word errors", "white noise"), ``level`` what was asked for,
``achieved`` the level measured, both in the unit of the family (a share for word errors, dB, ...),
NaN where there is none. ``normaliser`` is that of the word errors (see `mmser.metrics.wer`), "" for
others."""

WORD_ERRORS = "controlled word errors"
RECOGNISER = "speech recogniser"
RETRAINED = "trained on the recogniser"
CLEAN_FAMILY = "undisturbed"


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong a condition is: its family, the level asked for and the one achieved.

    ``normaliser`` is that of its word errors.
    """

    family: str
    level: float = float("nan")
    achieved: float = float("nan")
    normaliser: str = ""


def keep_scores(
    run: Run, predictions: pd.DataFrame, strengths: Mapping[str, Strength]
) -> pd.DataFrame:
    """Score the conditions of ``predictions``, add them to the run's table; -> the new rows."""
    scores = condition_scores(predictions)
    strength_of_row = [strengths[condition] for condition in scores["condition"]]
    scores = scores.assign(
        family=[one.family for one in strength_of_row],
        level=[one.level for one in strength_of_row],
        achieved=[one.achieved for one in strength_of_row],
        normaliser=[one.normaliser for one in strength_of_row],
    )[list(COLUMNS)]
    replace_rows(run.directory / ROBUSTNESS_PREDICTIONS, predictions, ["condition"])
    replace_rows(run.directory / ROBUSTNESS, scores, ["condition"])
    return scores


def robustness_text(scores: pd.DataFrame) -> str:
    """The table for a terminal: one line per condition, UA, WA and WF1 (or CCC) with intervals."""
    names = in_order(sorted(set(scores["metric"])))
    rows = []
    for condition, group in scores.groupby("condition", sort=False):
        by_metric = {row["metric"]: row for row in group.to_dict("records")}
        first = next(iter(by_metric.values()))
        row = {"family": first["family"], "condition": condition, "achieved": first["achieved"]}
        if scores["normaliser"].any():
            row["normaliser"] = first["normaliser"]
        row |= {"draws": first["draws"], "absent": first["absent"]}
        for name in names:
            score = by_metric[name]
            value, low, high = (shown(name, score[key]) for key in ("value", "low", "high"))
            row[title(name)] = f"{value} [{low}, {high}]"
        rows.append(row)
    table = pd.DataFrame(rows).to_string(
        index=False, float_format=lambda number: f"{number:.3f}", na_rep="-"
    )
    return (
        f"{table}\nIn brackets: speaker-clustered 95 % interval; absent: share of the streams "
        "that were not there."
    )

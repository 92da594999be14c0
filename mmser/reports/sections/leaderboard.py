"""Several runs in the order of their scores, each corpus and protocol a table of its own."""

from __future__ import annotations

import math
from itertools import pairwise

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import CLEAN
from mmser.evaluation.scoring.compare import SAME
from mmser.evaluation.scoring.score import POOLED
from mmser.metrics.table import better, is_headline, leading, shown, title
from mmser.reports.intervals import interval_plot
from mmser.reports.page import Html, heading, method, note, section, table
from mmser.reports.reported_run import ReportedRun
from mmser.reports.sections.breakdown import guessing
from mmser.reports.sections.comparison import compared
from mmser.runs.shared_speakers import UNKNOWN


def leaderboard(runs: list[ReportedRun]) -> Html:
    """One table per corpus and protocol; a line instead for one run alone."""
    if len(runs) < 2:
        return section("Leaderboard", [note("One run alone; a report of several ranks them.")])
    groups: dict[str, list[ReportedRun]] = {}
    for run in runs:
        groups.setdefault(_task(run), []).append(run)
    blocks: list[Html] = []
    for task, members in groups.items():
        blocks += [heading(task, list(groups)), *_ranking(members)]
    blocks.append(method(_METHOD))
    return section("Leaderboard", blocks)


_METHOD = (
    "Sorted by the first score, pooled over folds and seeds, undisturbed. Whether a run is told "
    "from the row above is the verdict of the paired tests over all pairs of the table, adjusted "
    f"for their number (see Comparison); {SAME} does not mean equal. Tables of different protocols "
    "are not compared."
)


def _task(run: ReportedRun) -> str:
    corpora = ", ".join(map(str, run.predictions["corpus"].unique())) or "corpus not stated"
    protocol = (run.config.get("protocol") or {}).get("name") or "protocol not stated"
    speakers = run.speakers.line if run.speakers else UNKNOWN
    return f"{corpora}, {protocol}: {speakers}"


def _ranking(runs: list[ReportedRun]) -> list[Html]:
    """The first score as a picture, and all of them as a table."""
    names = leading(sorted(set(pd.concat([run.scores for run in runs])["metric"])))
    names = [name for name in names if is_headline(name)]
    metric = names[0]
    # A run without the score stands last, whichever way the score improves.
    sign = -1.0 if better(metric) == "max" else 1.0
    pooled = {run.name: _pooled(run) for run in runs}

    def place(run: ReportedRun) -> float:
        value = pooled[run.name].get(metric, {}).get("value", math.nan)
        return math.inf if math.isnan(value) else sign * value

    ranked = sorted(runs, key=place)
    verdicts = _verdicts(runs, ranked, metric)
    rows = []
    for rank, (run, verdict) in enumerate(zip(ranked, verdicts, strict=True), start=1):
        scores = pooled[run.name]
        first, *others = (_cell(name, scores) for name in names)
        what = [rank, run.name, _features(run), _head(run)]
        rows.append([*what, first, verdict, *others, _parameters(run)])
    scores_head = [title(metric), "From the row above", *map(title, names[1:])]
    head = ["Rank", "Run", "Features", "Head", *scores_head, "Parameters"]
    values = {run.name: pooled[run.name][metric] for run in ranked if metric in pooled[run.name]}
    picture = interval_plot(values, metric, _chance(runs[0], metric))
    return [picture, table(head, rows, text=4, stacked=True)]


def _chance(run: ReportedRun, metric: str) -> float | None:
    """UA of guessing, the same for every run of a table: they are tested on the same classes."""
    if metric != "ua":
        return None
    rows = run.predictions[run.predictions["condition"] == CLEAN]
    return guessing(rows[rows["target"].notna()])["chance"] / 100


def _verdicts(runs: list[ReportedRun], ranked: list[ReportedRun], metric: str) -> list[str]:
    """What the paired tests say of each run and the one before it; empty for the first."""
    if len(ranked) < 2:
        return [""] * len(ranked)
    try:
        pairs = compared(runs, metric)
    except MmserError:
        return ["", *["not comparable"] * (len(ranked) - 1)]
    told = {
        frozenset((row["first"], row["second"])): row["verdict"] for row in pairs.to_dict("records")
    }
    neighbours = pairwise(ranked)
    verdicts = [told[frozenset((above.name, below.name))] for above, below in neighbours]
    return ["", *(SAME if verdict == SAME else "different" for verdict in verdicts)]


def _pooled(run: ReportedRun) -> dict[str, dict[str, float]]:
    chosen = (run.scores["scope"] == POOLED) & (run.scores["condition"] == CLEAN)
    columns = ["value", "low", "high"]
    return {
        str(row["metric"]): {name: float(row[name]) for name in columns}
        for row in run.scores[chosen].to_dict("records")
    }


def _cell(name: str, scores: dict[str, dict[str, float]]) -> Html:
    if name not in scores:
        return Html("")
    row = scores[name]
    low, high = shown(name, row["low"]), shown(name, row["high"])
    interval = "" if pd.isna(row["low"]) else f" <small>{low} to {high}</small>"
    return Html(f"{shown(name, row['value'])}{interval}")


def _features(run: ReportedRun) -> str:
    """Each stream's extractor, with how it is scaled where a speaker's own recordings say so."""
    parts = []
    for name, spec in (run.config.get("streams") or {}).items():
        own = ", per speaker" if name in run.streams_on_own_scale else ""
        parts.append(f"{name}: {spec.get('extractor', 'not stated')}{own}")
    return "; ".join(parts) or "not stated"


def _head(run: ReportedRun) -> str:
    """The solver of the head, or the system where it is trained by steps."""
    target = str((run.config.get("solver") or {}).get("_target_", ""))
    system = str(run.card.get("name") or "not stated")
    return f"{system}, {target.rpartition('.')[2]}" if target else system


def _parameters(run: ReportedRun) -> str:
    counts = {fold.facts["parameters"] for fold in run.folds if "parameters" in fold.facts}
    return (
        " to ".join(f"{count:,}" for count in sorted({min(counts), max(counts)})) if counts else ""
    )

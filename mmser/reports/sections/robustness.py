"""How scores fall with word errors, noise and other disturbances.

Curves with their intervals, and every number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.metrics.table import is_share, leading, shown, title
from mmser.metrics.wer import PLAIN
from mmser.reports.figures import MARKERS, draw, row
from mmser.reports.page import Html, folded, method, note, section, table
from mmser.reports.reported_run import ReportedRun
from mmser.runs.run_paths import ROBUSTNESS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORD_ERRORS, RECOGNISER, UNDISTURBED = "controlled word errors", "speech recogniser", "undisturbed"
"""Families of `mmser.evaluation.stress.robustness`; the others are "kind, unit"."""


def robustness(runs: list[ReportedRun]) -> Html:
    """One plot per family of disturbances, then the tables.

    Every run is a curve when there are several.
    """
    tables = {}
    for run in runs:
        scores = run.folder.table(ROBUSTNESS)
        if scores is not None:
            tables[run.name] = scores.assign(run=run.name)
    if not tables:
        return section(
            "Robustness", [note("No disturbed conditions were evaluated: see `mmser robustness`.")]
        )
    everything = pd.concat(tables.values(), ignore_index=True)
    # A curve needs two levels at least.
    levels = everything.groupby("family", sort=False)["level"].nunique()
    families = [str(family) for family in levels[levels > 1].index]
    blocks: list[Html] = [row([_plot(everything, family) for family in families])]
    for name, scores in tables.items():
        blocks.append(folded(f"Every condition of {name}", _table(scores)))
    blocks.append(
        method(
            "Band (of the first score) and brackets: speaker-clustered bootstrap over folds, seeds "
            "and draws together. Stars: real recognisers at their measured rate. Achieved: what "
            "came of the level asked for (word error rate measured after normalisation). Absent: "
            "share of the streams that an utterance lacked; a text without a word counts as absent."
        )
    )
    return section("Robustness", blocks)


def _plot(everything: pd.DataFrame, family: str) -> Html:
    """The metrics of one run, or the first metric of several.

    With the recognisers' points where words are disturbed, else with the undisturbed level.
    """
    scores = everything[everything["family"] == family]
    kind, _, unit = family.partition(", ")
    runs = list(dict.fromkeys(scores["run"]))
    several = len(runs) > 1
    metrics = leading(sorted(set(scores["metric"])))[: 1 if several else 3]
    first = metrics[0]
    scale = 100.0 if is_share(first) else 1.0
    measure = "percent" if scale > 1 else "score"

    def paint(axes: Axes) -> None:
        shown_scores = scores[scores["metric"].isin(metrics)]
        for (name, metric), group in shown_scores.groupby(["run", "metric"], sort=False):
            number = runs.index(str(name)) if several else metrics.index(str(metric))
            label = str(name) if several else title(str(metric))
            _curve(axes, group, number, label, several or not number)
        beside = everything[everything["metric"] == first]
        if family == WORD_ERRORS:
            _mark_recognisers(axes, beside[beside["family"] == RECOGNISER], scale)
        elif not several:
            levels = beside.loc[beside["family"] == UNDISTURBED, "value"]
            _mark_levels(axes, scale * levels, f"{title(first)} undisturbed")
        axes.set(
            xlabel="word error rate, percent" if family == WORD_ERRORS else unit,
            ylabel=f"{title(first)}, {measure}" if several else measure,
            title=kind,
        )
        axes.legend(loc="best")

    names = ", ".join(map(title, metrics))
    return draw(paint, f"{names} against {family}; the table below has the numbers.")


def _mark_recognisers(axes: Axes, scores: pd.DataFrame, scale: float) -> None:
    """A star at the measured word error rate of each recogniser, with its name."""
    axes.plot(100 * scores["achieved"], scale * scores["value"], "k*", ms=9, ls="")
    for score in scores.to_dict("records"):
        place = (100 * score["achieved"], scale * score["value"])
        name = score["condition"]
        axes.annotate(name, place, (-4, -11), textcoords="offset points", ha="right", fontsize=7)


def _mark_levels(axes: Axes, levels: pd.Series, label: str) -> None:
    for level in levels:
        axes.axhline(level, color="#555555", ls=":", lw=1.2, label=label)


def _curve(axes: Axes, group: pd.DataFrame, number: int, label: str, band: bool) -> None:
    group = group[group["level"].notna()].sort_values("level")
    factor = 100.0 if group["family"].iloc[0] == WORD_ERRORS else 1.0
    place = factor * group["achieved"].fillna(group["level"])
    scale = 100.0 if is_share(group["metric"].iloc[0]) else 1.0
    color, marker = OKABE_ITO[number % len(OKABE_ITO)], MARKERS[number % len(MARKERS)]
    if band:
        axes.fill_between(
            place, scale * group["low"], scale * group["high"], color=color, alpha=0.15, lw=0
        )
    axes.plot(place, scale * group["value"], color=color, marker=marker, label=label, ms=5)


def _table(scores: pd.DataFrame) -> Html:
    names = list(dict.fromkeys(scores["metric"]))
    rows = []
    for (family, condition), group in scores.groupby(["family", "condition"], sort=False):
        first = group.iloc[0]
        by_metric = group.set_index("metric").to_dict("index")
        cells = [_with_interval(name, by_metric.get(name)) for name in names]
        facts = [
            _number(first["level"]),
            _achieved(first["achieved"], first.get("normaliser")),
            int(first["draws"]),
            f"{first['absent']:.2f}",
        ]
        rows.append([family, condition, *facts, *cells])
    head = ["Disturbance", "Condition", "Level", "Achieved", "Draws", "Absent", *map(title, names)]
    return table(head, rows, text=2)


def _with_interval(name: str, score: Mapping[Any, Any] | None) -> Html:
    if score is None:
        return Html("")
    low, high = shown(name, score["low"]), shown(name, score["high"])
    return Html(f"{shown(name, score['value'])} <small>{low} to {high}</small>")


def _achieved(achieved: float, normaliser: object) -> str:
    """A level as it was measured, with the normaliser of a word error rate.

    The usual normaliser is left out; earlier tables name none.
    """
    if isinstance(normaliser, str) and normaliser not in ("", PLAIN):
        return f"{_number(achieved)} ({normaliser})"
    return _number(achieved)


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3g}"

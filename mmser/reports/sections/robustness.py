"""How scores fall with word errors, noise and other disturbances: curves with their intervals, and
every number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmser.metrics.table import is_share, leading, shown, title
from mmser.metrics.wer import PLAIN
from mmser.reports.figures import MARKERS, PALETTE, draw, row
from mmser.reports.page import Html, folded, note, section, table
from mmser.reports.reported_run import ReportedRun
from mmser.runs.run_paths import ROBUSTNESS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORD_ERRORS, RECOGNISER, UNDISTURBED = "controlled word errors", "speech recogniser", "undisturbed"
"""Families of `mmser.evaluation.stress.robustness`; the others are "kind, unit"."""


def robustness(runs: list[ReportedRun]) -> Html:
    """One plot per family of disturbances (every run a curve when there are several), then the
    tables.
    """
    tables = {run.name: run.folder.table(ROBUSTNESS) for run in runs}
    read = {name: scores for name, scores in tables.items() if scores is not None}
    if not read:
        return section(
            "Robustness", [note("No disturbed conditions were evaluated: see `mmser robustness`.")]
        )
    everything = pd.concat(
        [scores.assign(run=name) for name, scores in read.items()], ignore_index=True
    )
    families = [
        str(name)
        for name, group in everything.groupby("family", sort=False)
        if group["level"].nunique() > 1
    ]
    blocks: list[Html] = [row([_plot(everything, family) for family in families])]
    blocks += [
        folded(f"Every condition of {name}", _table(scores)) for name, scores in read.items()
    ]
    blocks.append(
        note(
            "Band (of the first score) and brackets: speaker-clustered bootstrap over folds, "
            "seeds and draws together. "
            "Stars: real recognisers at their measured rate. Achieved: what came "
            "of the level asked for (word error rate measured after normalisation). Absent: "
            "share of the streams that "
            "an utterance lacked; a text without a word counts as absent."
        )
    )
    return section("Robustness", blocks)


def _plot(everything: pd.DataFrame, family: str) -> Html:
    """Metrics of one run, or the first metric of several, with the recognisers' points or the
    undisturbed level.
    """
    scores = everything[everything["family"] == family]
    kind, _, unit = family.partition(", ")
    metrics = leading(sorted(set(scores["metric"])))[:3]
    several = scores["run"].nunique() > 1
    chosen = metrics[:1] if several else metrics
    scale = 100.0 if is_share(chosen[0]) else 1.0

    def paint(axes: Axes) -> None:
        for (name, metric), group in scores[scores["metric"].isin(chosen)].groupby(
            ["run", "metric"], sort=False
        ):
            number = (
                list(dict.fromkeys(scores["run"])).index(str(name))
                if several
                else chosen.index(str(metric))
            )
            _curve(
                axes,
                group,
                number,
                str(name) if several else title(str(metric)),
                several or not number,
            )
        beside = everything[everything["metric"] == chosen[0]]
        if family == WORD_ERRORS:
            heard = beside[beside["family"] == RECOGNISER]
            axes.plot(100 * heard["achieved"], scale * heard["value"], "k*", ms=9, ls="")
            for row in heard.to_dict("records"):
                place = (100 * row["achieved"], scale * row["value"])
                axes.annotate(
                    row["condition"],
                    place,
                    (-4, -11),
                    textcoords="offset points",
                    ha="right",
                    fontsize=7,
                )
        elif not several:
            for value in beside.loc[beside["family"] == UNDISTURBED, "value"]:
                axes.axhline(
                    scale * value,
                    color="#555555",
                    ls=":",
                    lw=1.2,
                    label=f"{title(chosen[0])} undisturbed",
                )
        label = "word error rate, percent" if family == WORD_ERRORS else unit
        measure = "percent" if scale > 1 else "score"
        axes.set(
            xlabel=label,
            ylabel=f"{title(chosen[0])}, {measure}" if several else measure,
            title=kind,
        )
        axes.legend(loc="best")

    return draw(
        paint, f"{', '.join(map(title, chosen))} against {family}; the table below has the numbers."
    )


def _curve(axes: Axes, group: pd.DataFrame, number: int, label: str, band: bool) -> None:
    group = group[group["level"].notna()].sort_values("level")
    factor = 100.0 if group["family"].iloc[0] == WORD_ERRORS else 1.0
    place = factor * group["achieved"].fillna(group["level"])
    scale = 100.0 if is_share(group["metric"].iloc[0]) else 1.0
    color, marker = PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]
    if band:
        axes.fill_between(
            place, scale * group["low"], scale * group["high"], color=color, alpha=0.15, lw=0
        )
    axes.plot(place, scale * group["value"], color=color, marker=marker, label=label, ms=5)


def _table(scores: pd.DataFrame) -> Html:
    names = list(dict.fromkeys(scores["metric"]))
    rows = []
    for (family, condition), group in scores.groupby(["family", "condition"], sort=False):
        first, by_metric = group.iloc[0], group.set_index("metric").to_dict("index")
        facts = [
            _number(first["level"]),
            _achieved(first["achieved"], first.get("normaliser")),
            int(first["draws"]),
            f"{first['absent']:.2f}",
        ]
        rows.append(
            [
                family,
                condition,
                *facts,
                *(_with_interval(name, by_metric.get(name)) for name in names),
            ]
        )
    head = ["Disturbance", "Condition", "Level", "Achieved", "Draws", "Absent", *map(title, names)]
    return table(head, rows, text=2)


def _with_interval(name: str, found: Mapping[Any, Any] | None) -> Html:
    if found is None:
        return Html("")
    low, high = shown(name, found["low"]), shown(name, found["high"])
    return Html(f"{shown(name, found['value'])} <small>{low} to {high}</small>")


def _achieved(achieved: float, normaliser: object) -> str:
    """With the normaliser of a word error rate where it is not the usual one; earlier tables do not
    name it.
    """
    named = isinstance(normaliser, str) and normaliser not in ("", PLAIN)
    return _number(achieved) + (f" ({normaliser})" if named else "")


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3g}"

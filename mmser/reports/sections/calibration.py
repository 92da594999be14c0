"""Whether the probabilities can be trusted: reliability diagrams beside the ECE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmser.core.palette import OKABE_ITO
from mmser.core.tables import CLEAN, PROBABILITY
from mmser.core.target_sets.classes import class_indices, class_names
from mmser.evaluation.scoring.score import POOLED
from mmser.metrics.calibration import BINS, CALIBRATION, calibration_bins
from mmser.metrics.table import shown, title
from mmser.reports.figures import Spot, draw, row
from mmser.reports.page import Html, element, heading, method, note, section, table
from mmser.reports.reported_run import ReportedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWN_BINS = 10


def calibration(runs: list[ReportedRun]) -> Html:
    """A diagram and its table for each run, of its undisturbed test splits."""
    blocks: list[Html] = []
    for run in runs:
        bins = reliability(run)
        if bins is None:
            blocks.append(note(f"{run.name}: no class probabilities without disturbance."))
            continue
        blocks += [heading(run.name, runs), _ece(run), row([_diagram(bins)]), _table(bins)]
    blocks.append(
        method(
            "Utterances by the probability of the predicted class, in bins of equal width; all "
            "folds and seeds together. Bars below the diagonal: surer than right. The ECE is the "
            f"gap's mean, weighted by the bins' counts, over {BINS} bins; the diagram has "
            f"{DRAWN_BINS}, so that each holds enough utterances to be read."
        )
    )
    return section("Calibration", blocks)


def reliability(run: ReportedRun) -> np.ndarray | None:
    """(bin, 3): utterances, their summed top probability, and how many are right.

    None without probabilities of labelled clean rows.
    """
    classes = class_names(run.predictions)
    columns = [PROBABILITY + name for name in classes]
    if not classes or not set(columns) <= set(run.predictions.columns):
        return None
    rows = run.predictions[run.predictions["condition"] == CLEAN]
    rows = rows[rows["target"].notna()]
    if rows.empty or rows[columns].isna().to_numpy().any():
        return None
    targets = class_indices(rows["target"], classes)
    return calibration_bins(rows[columns].to_numpy(), targets, DRAWN_BINS).sum(0)


def _ece(run: ReportedRun) -> Html:
    scores = run.scores
    chosen = scores[(scores["scope"] == POOLED) & (scores["condition"] == CLEAN)]
    words = []
    names = [metric.name for metric in CALIBRATION]
    for found in chosen[chosen["metric"].isin(names)].to_dict("records"):
        name = found["metric"]
        ends = "" if np.isnan(found["low"]) else (
            f" ({shown(name, found['low'])} to {shown(name, found['high'])})"
        )  # fmt: skip
        words.append(f"{title(name)} {shown(name, found['value'])}{ends}")
    return element("p", "; ".join(words))


def _diagram(bins: np.ndarray) -> Html:
    count, confidence, right = bins.T
    used = np.flatnonzero(count)
    accuracy = right[used] / count[used]
    middles = (used + 0.5) / DRAWN_BINS

    def paint(axes: Axes) -> list[Spot]:
        axes.bar(middles, accuracy, 0.9 / DRAWN_BINS, color=OKABE_ITO[0], zorder=2)
        axes.plot([0, 1], [0, 1], ls="--", color="#555555", lw=1, label="as sure as right")
        sure = confidence[used] / count[used]
        axes.plot(sure, accuracy, "o", color=OKABE_ITO[1], ms=4, zorder=3, label="mean of a bin")
        for x, y, n in zip(middles, accuracy, count[used], strict=True):
            axes.annotate(
                f"{int(n)}", (x, y), (0, 5), textcoords="offset points", ha="center", fontsize=7,
                zorder=4, bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"},
            )  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(0, 1.08), xlabel="probability of the predicted class")
        axes.set_ylabel("share of right answers")
        axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
        numbers = zip(middles, accuracy, sure, count[used], strict=True)
        return [(x, y, f"{int(n)} answers: {y:.0%} right, {s:.0%} sure") for x, y, s, n in numbers]

    alt = "Share of right answers by their probability; the table below has the numbers."
    return draw(paint, alt, 4.7, 3.4)


def _table(bins: np.ndarray) -> Html:
    rows = []
    for place, (count, confidence, right) in enumerate(bins):
        if count:
            span = f"{place / DRAWN_BINS:.1f} to {(place + 1) / DRAWN_BINS:.1f}"
            rows.append([span, int(count), f"{confidence / count:.2f}", f"{right / count:.2f}"])
    return table(["Probability", "Predictions", "Mean probability", "Share right"], rows)

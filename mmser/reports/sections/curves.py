"""Learning curves of every fold and seed, thin, with their median."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.metrics.table import is_headline, title
from mmser.reports.figures import draw, row
from mmser.reports.page import Html, heading, method, note, section
from mmser.reports.reported_run import ReportedRun
from mmser.runs.run_paths import CURVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curves(runs: list[ReportedRun]) -> Html:
    """Loss of training and validation, and the validation score, by epoch."""
    blocks: list[Html] = []
    for run in runs:
        folds = [fold for fold in run.folds if "epoch" in fold.curve]
        if not folds:
            blocks.append(note(f"{run.name}: no {CURVE} in its folds: no curves."))
            continue
        tables = [fold.curve.assign(fold_name=fold.name) for fold in folds]
        everything = pd.concat(tables, ignore_index=True)
        pictures = [_losses(everything), *_scores(everything)]
        blocks += [heading(run.name, runs), row([picture for picture in pictures if picture])]
    blocks.append(
        method(
            "Thin lines: folds and seeds; thick: their median at each epoch. Some folds may stop "
            "early."
        )
    )
    return section("Learning curves", blocks)


def _losses(everything: pd.DataFrame) -> Html:
    columns = {"train_loss": "training", "validation_loss": "validation"}
    present = {column: label for column, label in columns.items() if column in everything}
    if not present:
        return Html("")

    def paint(axes: Axes) -> None:
        for color, (column, label) in zip(OKABE_ITO[:2], present.items(), strict=False):
            _lines(axes, everything, column, label, color)
        axes.set(xlabel="epoch", ylabel="loss")
        axes.locator_params(axis="x", integer=True)
        axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))

    return draw(paint, "Loss by epoch for training and validation.")


def _scores(everything: pd.DataFrame) -> list[Html]:
    names = [str(column) for column in everything if str(column).startswith("validation_")]
    metrics = [name.removeprefix("validation_") for name in names]
    headlines = [metric for metric in metrics if is_headline(metric)]
    if not headlines:
        return []

    def paint(axes: Axes) -> None:
        for color, metric in zip(OKABE_ITO, headlines, strict=False):
            _lines(axes, everything, f"validation_{metric}", title(metric), color)
        axes.set(xlabel="epoch", ylabel="validation score")
        axes.locator_params(axis="x", integer=True)
        axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1))

    return [draw(paint, "Validation score by epoch.")]


def _lines(axes: Axes, everything: pd.DataFrame, column: str, label: str, color: str) -> None:
    """One thin line per fold and seed, and the median over those still training."""
    rows = everything.dropna(subset=[column])
    for _, fold in rows.groupby("fold_name"):
        axes.plot(fold["epoch"], fold[column], color=color, lw=0.6, alpha=0.35)
    median = rows.groupby("epoch")[column].median()
    # A line of one point would not be seen.
    marker = "o" if len(median) == 1 else ""
    axes.plot(median.index, median, color=color, lw=2, label=label, marker=marker)

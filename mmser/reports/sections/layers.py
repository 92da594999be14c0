"""How far each stage of a staged run moved each layer of the network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.reports.figures import draw, row
from mmser.reports.page import Html, heading, method, note, section
from mmser.reports.reported_run import ReportedRun
from mmser.runs.run_paths import LAYERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMED = 40
"""Layers that have room for their names; of more, every second, third, ... is named."""


def layers(runs: list[ReportedRun]) -> Html:
    """Cosine distance of each layer by stage, one picture per stage."""
    blocks: list[Html] = []
    for run in runs:
        table = run.folder.table(LAYERS)
        if table is None:
            staged = len(run.config.get("stages") or {}) > 1
            why = f"no {LAYERS}; `mmser evaluate` writes it" if staged else "trained in one stage"
            blocks.append(note(f"{run.name}: {why}: no layers to compare."))
            continue
        stages = list(table.groupby("stage", sort=False))
        blocks += [heading(run.name, runs), row([_stage(str(name), rows) for name, rows in stages])]
    blocks.append(
        method(
            "Cosine distance between the weights that a stage took over from the one before and "
            "those it ended with, layers in network order: 0 is frozen, 1 shares nothing. Thin "
            "lines: folds and seeds; thick: their median."
        )
    )
    return section("Layers moved by each stage", blocks)


def _stage(name: str, rows: pd.DataFrame) -> Html:
    order = list(dict.fromkeys(rows["layer"]))
    place = {layer: index for index, layer in enumerate(order)}

    def paint(axes: Axes) -> None:
        for _, fold in rows.groupby(["fold", "seed"]):
            axes.plot(
                fold["distance"], fold["layer"].map(place), color=OKABE_ITO[0], lw=0.6, alpha=0.35
            )
        median = rows.groupby("layer", sort=False)["distance"].median()
        axes.plot(median, median.index.map(place), color=OKABE_ITO[0], lw=2, marker="o", ms=3)
        step = math.ceil(len(order) / _NAMED)
        axes.set_yticks(range(0, len(order), step), order[::step], fontsize=7)
        axes.invert_yaxis()
        axes.set(xlabel=f"cosine distance after stage {name}", xlim=(0, None))

    height = 1.0 + 0.17 * min(len(order), _NAMED)
    return draw(
        paint, f"Cosine distance of every layer after stage {name}.", width=6.2, height=height
    )

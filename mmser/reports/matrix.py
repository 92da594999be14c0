"""A matrix of scores, train by test, as text and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmser.cache.atomic import written_aside
from mmser.core.output import columns_text
from mmser.metrics.table import shown, title

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def matrix_text(table: pd.DataFrame, metric: str) -> str:
    """A block per scale: a row per trained corpus, a column per tested one, value and interval."""
    blocks = []
    for scale, rows in _of_metric(table, metric).groupby("scale", sort=False):
        lines = []
        for train in dict.fromkeys(rows["train"]):
            cells = {
                str(row["test"]): _cell(metric, row)
                for row in _sorted(rows, train).to_dict("records")
            }
            lines.append({"trained on": str(train), **cells})
        blocks.append(f"{title(metric)}, {_scaled(str(scale))}\n{columns_text(lines)}")
    return "\n\n".join(blocks)


def draw_matrix(table: pd.DataFrame, metric: str, path: Path) -> None:
    """Write a heat map per scale side by side, as svg; the same table gives the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    chosen = _of_metric(table, metric)
    scales = list(dict.fromkeys(chosen["scale"]))
    names = list(dict.fromkeys(chosen["train"]))
    with matplotlib.rc_context({"svg.hashsalt": "mmser", "text.parse_math": False}):
        figure = Figure(figsize=(1.1 + (0.7 + len(names)) * len(scales), 1.2 + len(names)))
        panels = figure.subplots(1, len(scales), squeeze=False)[0]
        for panel, scale in zip(panels, scales, strict=True):
            rows = chosen[chosen["scale"] == scale]
            values = rows.pivot(index="train", columns="test", values="value")
            grid = values.reindex(index=names, columns=names).to_numpy(float)
            cells = [[shown(metric, value) for value in line] for line in grid]
            _paint(panel, grid, names, names, cells)
            panel.set_title(_scaled(str(scale)), fontsize=9)
            panel.set_xlabel("tested on")
            panel.set_ylabel("trained on")
        figure.suptitle(title(metric), fontsize=10)
        figure.tight_layout()
        with written_aside(path) as aside:
            figure.savefig(aside, format="svg", metadata={"Date": None, "Creator": None})


def confusion_figure(counts: pd.DataFrame) -> Figure:
    """Targets (rows) by predictions (columns): shares of a row by colour, with the counts."""
    from matplotlib.figure import Figure

    names = [str(name) for name in counts.index]
    numbers = counts.to_numpy(float)
    shares = numbers / np.maximum(numbers.sum(axis=1, keepdims=True), 1.0)
    cells = [
        [f"{share:.0%}\n{count:.0f}" for share, count in zip(*line, strict=True)]
        for line in zip(shares, numbers, strict=True)
    ]
    side = 1.6 + 0.8 * len(names)
    figure = Figure(figsize=(side, side), layout="constrained")
    panel = figure.subplots()
    _paint(panel, shares, names, names, cells)
    panel.set_xlabel("prediction")
    panel.set_ylabel("target")
    return figure


def _paint(
    panel: Axes,
    grid: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
) -> None:
    """A grid of shares (row, column) by colour, each with its text."""
    panel.imshow(np.ma.masked_invalid(grid), cmap="cividis", vmin=0.0, vmax=1.0)
    panel.set_xticks(range(len(columns)), columns, rotation=30, ha="right", parse_math=False)
    panel.set_yticks(range(len(rows)), rows, parse_math=False)
    for (row, column), value in np.ndenumerate(grid):
        colour = "black" if value > 0.55 else "white"
        panel.text(column, row, cells[row][column], ha="center", va="center", c=colour)


def _of_metric(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The rows of a metric; each scale has the diagonal, which no scale changes."""
    import pandas as pd

    rows = table[table["metric"] == metric]
    diagonal = rows[rows["train"] == rows["test"]]
    others = rows[rows["train"] != rows["test"]]
    scales = dict.fromkeys(others["scale"])
    return pd.concat([part for scale in scales for part in _with(others, diagonal, scale)])


def _with(others: pd.DataFrame, diagonal: pd.DataFrame, scale: str) -> list[pd.DataFrame]:
    return [diagonal.assign(scale=scale), others[others["scale"] == scale]]


def _sorted(rows: pd.DataFrame, train: object) -> pd.DataFrame:
    """The cells of one trained corpus in the order in which corpora train."""
    order = {name: place for place, name in enumerate(dict.fromkeys(rows["train"]))}
    own = rows[rows["train"] == train]
    return own.assign(place=own["test"].map(order)).sort_values("place")


def _cell(metric: str, row: dict) -> str:
    return (
        f"{shown(metric, row['value'])} [{shown(metric, row['low'])}, {shown(metric, row['high'])}]"
    )


def _scaled(scale: str) -> str:
    by = {"run": "scaled as in training", "own": "scaled by the tested corpus's own statistics"}
    return by[scale]

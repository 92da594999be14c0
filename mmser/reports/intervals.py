"""Scores with their intervals as dots and lines, one below the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmser.core.palette import OKABE_ITO
from mmser.metrics.table import shown, title
from mmser.reports.figures import Spot, draw
from mmser.reports.page import Html

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 36
"""Letters of a name beside the axis."""


def interval_plot(
    scores: Mapping[str, Mapping[Any, Any]], metric: str, chance: float | None = None
) -> Html:
    """{name: value, low, high} of one metric, the first on top; NaN ends have no line.

    ``chance`` is the value of guessing, drawn as a line.
    """
    names = list(scores)[::-1]
    spots: list[Spot] = []

    def paint(axes: Axes) -> list[Spot]:
        for place, name in enumerate(names):
            row = scores[name]
            ends = f"{shown(metric, row['low'])} to {shown(metric, row['high'])}"
            axes.hlines(place, row["low"], row["high"], color=OKABE_ITO[0], lw=2)
            axes.plot(row["value"], place, "o", color=OKABE_ITO[0], ms=6)
            spots.append((row["value"], place, f"{name}: {shown(metric, row['value'])} ({ends})"))
        if chance is not None:
            axes.axvline(chance, ls=":", color="#333333", lw=1, label="chance")
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
        axes.set_yticks(range(len(names)), [_short(name) for name in names])
        axes.xaxis.set_major_formatter(lambda value, _: shown(metric, value))
        axes.locator_params(axis="x", nbins=6)
        axes.set(xlabel=f"{title(metric)}, with its interval", ylim=(-0.6, len(names) - 0.4))
        axes.grid(axis="y", visible=False)
        return spots

    alt = f"{title(metric)} of each with its interval; the table below has the numbers."
    return draw(paint, alt, 4.9, 1.0 + 0.26 * len(names))


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."

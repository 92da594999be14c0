"""The dimensions: valence, arousal, dominance, on the corpus's own scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.reports.explore.material import Material
from mmser.reports.figures import draw, row
from mmser.reports.page import Html, note, section, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = ("valence", "arousal", "dominance")
BINS = 24


def values(material: Material) -> Html:
    """A histogram of each dimension that the corpus has, and its quartiles."""
    known = {name: material.manifest[name].dropna() for name in NAMES}
    known = {name: column for name, column in known.items() if len(column)}
    if not known:
        return section("Dimensions", [note("No valence, arousal or dominance is given.")])
    rows = []
    for name, column in known.items():
        quartiles = column.quantile([0, 0.25, 0.5, 0.75, 1])
        rows.append([name, len(column), *(f"{value:.2f}" for value in quartiles)])
    head = ["Dimension", "Utterances", "Least", "Quartile", "Median", "Quartile", "Most"]
    pictures = row([_histogram(name, column) for name, column in known.items()])
    return section("Dimensions", [pictures, table(head, rows)])


def _histogram(name: str, column: pd.Series) -> Html:
    def paint(axes: Axes) -> None:
        axes.hist(column, BINS, color=OKABE_ITO[0])
        axes.set_xlabel(name)
        axes.set_ylabel("Utterances")

    return draw(paint, f"{name} of {len(column)} utterances, median {column.median():.2f}", 3.2, 2)

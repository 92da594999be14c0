"""Durations, levels and pauses, per label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.reports.explore.material import Material
from mmser.reports.figures import draw, row
from mmser.reports.page import Html, note, section, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 30
MEASURES = (
    ("seconds", "Duration (s)", "{:.2f}"),
    ("level", "Level (RMS, dB of full scale)", "{:.1f}"),
    ("quiet", "Share of pauses", "{:.2f}"),
)


def hearing(material: Material) -> Html:
    """A histogram of each label for every measure, and the quartiles as a table."""
    heard = material.heard
    if heard.empty:
        return section("What is heard", [note("No sound could be read.")])
    pictures = [_ridges(material, name, title) for name, title, _ in MEASURES]
    rows = []
    groups = [(word, heard[heard["word"] == word]) for word in material.words]
    for word, each in [*groups, ("all", heard)]:
        if len(each):
            figures = [_quartiles(each[name].astype(float), form) for name, _, form in MEASURES]
            rows.append([word, len(each), *figures])
    head = ["Label", "Heard", *(title for _, title, _ in MEASURES)]
    total = heard["seconds"].sum() / 60
    blocks = [
        row(pictures),
        table(head, rows, "Median, with the quartiles below"),
        note(
            f"{len(heard)} of {len(material.manifest)} utterances heard, {total:.1f} minutes, as "
            "mono at 16 kHz. A pause is 0.15 s or more, at least 30 dB below the loudest moment; "
            "where level or pauses differ between labels, a system may learn them alone."
        ),
    ]
    return section("What is heard", blocks)


def _quartiles(values: pd.Series, form: str) -> Html:
    low, middle, high = (form.format(values.quantile(part)) for part in (0.25, 0.5, 0.75))
    return Html(f"{middle} <small>{low} to {high}</small>")


def _ridges(material: Material, name: str, title: str) -> Html:
    """One histogram above the other, on one axis."""
    heard = material.heard
    words = [word for word in material.words if (heard["word"] == word).any()]
    values = heard[name].astype(float)
    edges = np.histogram_bin_edges(values, BINS)

    def paint(axes: Axes) -> None:
        for place, word in enumerate(reversed(words)):
            counts, _ = np.histogram(values[heard["word"] == word], edges)
            heights = 0.85 * counts / max(counts.max(), 1)
            colour = OKABE_ITO[(len(words) - 1 - place) % len(OKABE_ITO)]
            axes.stairs(place + heights, edges, baseline=place, fill=True, color=colour, alpha=0.75)
        axes.set_yticks(range(len(words)), list(reversed(words)))
        axes.set_xlabel(title)
        axes.grid(visible=False, axis="y")

    medians = ", ".join(f"{word} {values[heard['word'] == word].median():.2f}" for word in words)
    height = 1.1 + 0.33 * len(words)
    return draw(paint, f"{title} of each label; medians: {medians}", 4.4, height)

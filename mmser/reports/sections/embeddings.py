"""Maps of the fused vectors: where the model puts the test utterances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.core.target_sets.classes import class_names
from mmser.reports.figures import MARKERS, Spot, draw, row
from mmser.reports.page import Html, heading, method, note, section
from mmser.reports.projections import METHODS, PROJECTIONS, Project, Projection
from mmser.reports.reported_run import ReportedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MAPS = 4
"""Folds that are drawn."""
MOST_NAMED = 14
"""Names that fit beside a map."""
MOST_TOLD = 200
"""Utterances of a map that a pointer can find."""
OUTER = (1, 99)
"""Percentiles at which an axis ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """``points`` (utterance, 2), the names of both axes, and what is told of each, or nothing."""

    points: np.ndarray
    axes: tuple[str, str]
    told: Sequence[str]


def embeddings(runs: list[ReportedRun], projection: Projection = "pca") -> Html:
    """The maps of each fold of the first seed, at most MOST_MAPS folds.

    Every fold is a model of its own, with a space of its own.
    """
    project = PROJECTIONS[projection]
    blocks: list[Html] = []
    for run in runs:
        classes = class_names(run.predictions)
        if not run.embeddings or not classes:
            why = "no fused vectors were saved" if classes else "its targets are not classes"
            blocks.append(note(f"{run.name}: no map, {why}."))
            continue
        first_seed = min(seed for _, seed in run.embeddings)
        folds = [fold for fold, seed in run.embeddings if seed == first_seed]
        maps = []
        for fold in folds[:MOST_MAPS]:
            table, vectors = run.embeddings[fold, first_seed]
            maps += _maps(f"fold {fold}, seed {first_seed}", table, vectors, classes, project)
        blocks += [heading(run.name, runs), row(maps)]
        if len(folds) > MOST_MAPS:
            blocks.append(note(f"The first {MOST_MAPS} of {len(folds)} folds."))
    blocks.append(
        method(
            f"{METHODS[projection]} Axes end at the 1st and 99th percentile: hollow marks on the "
            "border lie further out. Colour and shape are targets, not predictions; further maps "
            "have speakers and corpora where a fold tests several. Distances in two dimensions "
            "can deceive; the scores above are what counts."
        )
    )
    return section("Embedding map", blocks)


def bounds(values: np.ndarray) -> tuple[float, float]:
    """The 1st and 99th percentile of (utterance,), or a span of 1 around equal values."""
    low, high = (float(end) for end in np.percentile(values, OUTER))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _maps(
    name: str, table: pd.DataFrame, vectors: np.ndarray, classes: tuple[str, ...], project: Project
) -> list[Html]:
    """The map by class, and by speaker and corpus where there are several."""
    if len(vectors) < 2:
        return [note(f"{name}: a single utterance has no map.")]
    drawn = Map(*project(vectors), told=_told(table))
    targets = table["target"].astype(str).to_numpy()
    maps = [_map(f"{name}, by class", drawn, targets, list(classes))]
    for column in ("speaker", "corpus"):
        named = table[column].fillna("").astype(str)
        names = sorted(set(named) - {""})
        if len(names) > 1:
            maps.append(_map(f"{name}, by {column}", drawn, named.to_numpy(), names))
    return maps


def _told(table: pd.DataFrame) -> list[str]:
    """What is read where a pointer rests on an utterance; nothing of too many to be told apart."""
    if len(table) > MOST_TOLD:
        return []
    rows = table[["id", "target", "prediction"]].itertuples(index=False)
    return [f"{name}: {target}, predicted {told}" for name, target, told in rows]


def _map(name: str, drawn: Map, labels: np.ndarray, names: list[str]) -> Html:
    """``labels`` (utterance,) of the points, a colour and shape each."""
    points = drawn.points
    ends = np.array([bounds(points[:, axis]) for axis in (0, 1)])
    clipped = np.clip(points, ends[:, 0], ends[:, 1])
    is_outlier = (clipped != points).any(axis=1)

    def paint(axes: Axes) -> list[Spot]:
        for i, label in enumerate(names):
            mine = labels == label
            # Another shape for each round of the colours tells more names apart than colours do.
            color, marker = OKABE_ITO[i % len(OKABE_ITO)], MARKERS[_shape(i, len(names))]
            look: Any = {"color": color, "marker": marker, "alpha": 0.75}
            hollow: Any = {"edgecolors": color, "facecolors": "none", "marker": marker}
            inside, outside = clipped[mine & ~is_outlier], clipped[mine & is_outlier]
            axes.scatter(inside[:, 0], inside[:, 1], s=14, lw=0, label=_short(label), **look)
            # On the border, hollow: it lies further out.
            axes.scatter(outside[:, 0], outside[:, 1], s=30, lw=1.2, clip_on=False, **hollow)
        margin = 0.04 * (ends[:, 1] - ends[:, 0])
        axes.set_xlim(ends[0, 0] - margin[0], ends[0, 1] + margin[0])
        axes.set_ylim(ends[1, 0] - margin[1], ends[1, 1] + margin[1])
        axes.set(xlabel=drawn.axes[0], ylabel=drawn.axes[1])
        axes.set_title(name, loc="left")
        if len(names) <= MOST_NAMED:
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0.2)
        return [(x, y, text) for (x, y), text in zip(clipped, drawn.told, strict=False)]

    beyond = f" {int(is_outlier.sum())} outliers lie on the border." if is_outlier.any() else ""
    alt = f"Map of {len(points)} test utterances, {name}.{beyond}"
    return draw(paint, alt, 4.9, 3.3, raster=True)


def _shape(i: int, count: int) -> int:
    """With few names each has a shape of its own, else each round of the colours."""
    return i % len(MARKERS) if count <= len(OKABE_ITO) else i // len(OKABE_ITO) % len(MARKERS)


def _short(label: str) -> str:
    return label if len(label) < 20 else f"{label[:17]}..."

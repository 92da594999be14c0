"""Maps of the fused vectors: where the model puts the test utterances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.core.target_sets.classes import class_names
from mmser.reports.figures import MARKERS, draw, row
from mmser.reports.page import Html, heading, note, section
from mmser.reports.reported_run import ReportedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MAPS = 4


def embeddings(runs: list[ReportedRun]) -> Html:
    """One map per fold of the first seed, at most MOST_MAPS.

    Every fold is a model of its own, with a space of its own.
    """
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
            maps.append(_map(f"fold {fold}, seed {first_seed}", table, vectors, classes))
        blocks += [heading(run.name, runs), row(maps)]
        if len(folds) > MOST_MAPS:
            blocks.append(note(f"The first {MOST_MAPS} of {len(folds)} folds."))
    blocks.append(
        note(
            "Method: principal component analysis of the fused vectors of test utterances, fitted "
            "to each fold alone; the axes say how much of the variance they carry. Colour and "
            "shape are targets, not predictions. Distances in two dimensions can deceive; the "
            "scores above are what counts."
        )
    )
    return section("Embedding map", blocks)


def plane(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(utterance, feature) -> (utterance, 2) principal components, and their shares of variance."""
    from sklearn.decomposition import PCA

    size = min(2, *vectors.shape)
    method = PCA(size, svd_solver="full")
    points = method.fit_transform(vectors.astype(np.float64))
    # Equal vectors have no variance, hence no shares of it.
    shares = np.nan_to_num(method.explained_variance_ratio_)
    # A single feature gives one component; the second is zero.
    pad = 2 - size
    return np.pad(points, ((0, 0), (0, pad))), np.pad(shares, (0, pad))


def _map(name: str, table: pd.DataFrame, vectors: np.ndarray, classes: tuple[str, ...]) -> Html:
    if len(vectors) < 2:
        return note(f"{name}: a single utterance has no map.")
    points, shares = plane(vectors)

    def paint(axes: Axes) -> None:
        for i, label in enumerate(classes):
            mine = (table["target"] == label).to_numpy()
            color, marker = OKABE_ITO[i % len(OKABE_ITO)], MARKERS[i % len(MARKERS)]
            axes.scatter(
                points[mine, 0],
                points[mine, 1],
                s=14,
                color=color,
                marker=marker,
                alpha=0.75,
                lw=0,
                label=label,
            )
        axes.set(xlabel=f"component 1 ({shares[0]:.0%})", ylabel=f"component 2 ({shares[1]:.0%})")
        axes.set_title(name, loc="left")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0.2)

    return draw(paint, f"Map of {len(points)} test utterances, {name}.", 4.9, 3.3, raster=True)

"""Vectors of utterances in a plane, for a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from mmser.core.needed_package import need_package

Projection = Literal["pca", "umap"]
Project = Callable[[np.ndarray], tuple[np.ndarray, tuple[str, str]]]


def plane(vectors: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """(utterance, feature) -> (utterance, 2) principal components, named with their variance."""
    from sklearn.decomposition import PCA

    size = min(2, *vectors.shape)
    components = PCA(size, svd_solver="full")
    points = components.fit_transform(vectors.astype(np.float64))
    # Equal vectors have no variance, hence no shares of it.
    shares = np.nan_to_num(components.explained_variance_ratio_)
    # A single feature gives one component; the second is zero.
    pad = 2 - size
    first, second = np.pad(shares, (0, pad))
    names = f"component 1 ({first:.0%})", f"component 2 ({second:.0%})"
    return np.pad(points, ((0, 0), (0, pad))), names


def neighbours(vectors: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """(utterance, feature) -> (utterance, 2) by UMAP (McInnes, Healy, Melville, 2018), seed 0.

    Below 5 utterances principal components: there are no neighbours to keep.
    """
    if len(vectors) < 5:
        return plane(vectors)
    need_package("umap", "umap")
    import umap

    near = min(15, len(vectors) - 1)
    # Spectral starting points need more utterances than dimensions; these are the components.
    method = umap.UMAP(n_neighbors=near, init="pca", random_state=0, n_jobs=1)
    points = method.fit_transform(vectors.astype(np.float32))
    return np.asarray(points, np.float64), ("UMAP 1", "UMAP 2")


PROJECTIONS: dict[Projection, Project] = {"pca": plane, "umap": neighbours}

METHODS = {
    "pca": "Method: principal component analysis of the fused vectors of test utterances, fitted "
    "to each fold alone; the axes say how much of the variance they carry.",
    "umap": "Method: UMAP (15 neighbours, seed 0) of the fused vectors of test utterances, each "
    "fold alone; neighbours are kept, distances between groups and axes mean nothing.",
}
"""What the page says of each."""

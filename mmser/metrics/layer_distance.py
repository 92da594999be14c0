"""How far training has moved each layer of a network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError


def layer_distances(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Cosine distance of each convolution and linear layer's weights: columns layer, distance.

    In network order. ``1 - x . y / (|x| |y|)`` of the flattened ``<layer>.weight`` of two or more
    dimensions (Triantafyllopoulos and Schuller, ICASSP 2021); other entries are passed over. NaN
    where a layer is zero throughout. Raises MmserError when a layer is missing afterwards or has
    another shape.
    """
    rows = []
    for name, first in before.items():
        if not name.endswith(".weight") or first.ndim < 2:
            continue
        layer = name.removesuffix(".weight")
        if name not in after or after[name].shape != first.shape:
            raise MmserError(
                f"layer {layer} of shape {first.shape} in both",
                "it differs",
                "Leave it out of both.",
            )
        x, y = (values.astype(np.float64).ravel() for values in (first, after[name]))
        norms = np.linalg.norm(x) * np.linalg.norm(y)
        rows.append((layer, 1.0 - float(x @ y) / norms if norms else float("nan")))
    return pd.DataFrame(rows, columns=["layer", "distance"])

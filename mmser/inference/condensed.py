"""A long timeline as means over equal stretches of time, few enough to be drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmser.core.tables import PROBABILITY

COLUMNS = 120
"""Stretches, and the segments that are still drawn one by one."""


def condensed(table: pd.DataFrame, columns: Sequence[str], end: float) -> pd.DataFrame:
    """Means of ``columns`` over `COLUMNS` stretches of [0, ``end``] s, weighted by seconds.

    A stretch in which nobody speaks is left out; ``prediction`` is the class of the highest mean.
    """
    edges = np.linspace(0, end, COLUMNS + 1)
    later = np.maximum(table["start"].to_numpy("float64"), edges[:-1, None])
    sooner = np.minimum(table["end"].to_numpy("float64"), edges[1:, None])
    seconds = np.maximum(sooner - later, 0.0)  # (stretch, segment)
    means = {}
    for name in columns:
        values = table[name].to_numpy("float64")
        known = seconds * np.isfinite(values)
        total = known.sum(axis=1)
        weighted = known @ np.nan_to_num(values)
        means[name] = np.divide(weighted, total, out=np.full(COLUMNS, np.nan), where=total > 0)
    short = pd.DataFrame({"start": edges[:-1], "end": edges[1:], **means})
    short = short.dropna(subset=list(columns), how="all").reset_index(drop=True)
    classes = [name for name in columns if name.startswith(PROBABILITY)]
    if classes and len(short):
        best = short[classes].fillna(-1.0).idxmax(axis=1)
        short["prediction"] = [str(name).removeprefix(PROBABILITY) for name in best]
    return short

"""Confidence intervals by resampling whole speakers.

Utterances of one speaker resemble each other, so resampling utterances makes intervals too narrow.
Here speakers (clusters) are drawn with replacement and bring all their utterances along, in every
fold and seed (percentile interval; Davison & Hinkley 1997, section 3.8). With fewer than about ten
speakers even this interval is too narrow: read it as a lower bound of the uncertainty. A draw
without any utterance of a class averages over the classes it has.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

DRAWS = 2000
LEVEL = 0.95
_CHUNK = 4_000_000
"""Weights in memory at once (draws x clusters): every utterance may be its own cluster."""


def cluster_sums(entries: np.ndarray, cluster: np.ndarray, clusters: int) -> np.ndarray:
    """Sum ``entries`` (utterance, *shape) by the number of each utterance's cluster (utterance,).

    -> (cluster, *shape), 0 for clusters without an utterance.
    """
    sums = np.zeros((clusters, *entries.shape[1:]), dtype=np.float64)
    order = np.argsort(cluster, kind="stable")
    present, first = np.unique(np.asarray(cluster)[order], return_index=True)
    if len(present):
        sums[present] = np.add.reduceat(entries[order], first, axis=0, dtype=np.float64)
    return sums


def resampled_sums(sums: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """(draw, *shape): totals of as many clusters as there are, drawn with replacement.

    sums: (cluster, *shape), what each cluster adds. For a paired difference stack two runs' sums on
    an axis after the first, so that both see the same draws, and subtract their metrics.
    """
    clusters = len(sums)
    flat = sums.reshape(clusters, -1).astype(np.float64)
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // clusters)
    shares = np.full(clusters, 1 / clusters)
    totals = []
    for first in range(0, draws, step):
        # (draw, cluster): how often each draw has each cluster.
        weights = rng.multinomial(clusters, shares, size=min(step, draws - first))
        totals.append(weights.astype(np.float64) @ flat)
    return np.concatenate(totals).reshape(draws, *sums.shape[1:])


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Lower and upper end of the central ``level`` of the draws (draw,), of those defined."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_interval(
    metric: Callable[[np.ndarray], np.ndarray],
    sums: np.ndarray,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of one metric of ``sums`` (cluster, *shape).

    (NaN, NaN) for a single cluster, which cannot vary.
    """
    if len(sums) < 2:
        return np.nan, np.nan
    return percentile_interval(metric(resampled_sums(sums, draws, seed)), level)

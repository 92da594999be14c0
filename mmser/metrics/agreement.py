"""How far annotators agree beyond chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

Scale = Literal["nominal", "interval"]
"""Two judgements differ or not, or by the square of their distance."""


def krippendorff_alpha(units: Sequence[Sequence[object]], scale: Scale = "nominal") -> float:
    """Krippendorff's alpha: 1 is perfect agreement, 0 what chance gives, below 0 is contrariness.

    ``units`` are the judgements of each utterance, as many as there are, in any order; an utterance
    with fewer than two has no part. NaN where nobody can disagree: one value alone, or no pairs.

    K. Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, section D: one minus the
    observed disagreement within utterances over that among all judgements.
    """
    paired = [list(unit) for unit in units if len(unit) > 1]
    pooled = [judgement for unit in paired for judgement in unit]
    disagreement = _DISAGREEMENTS[scale]
    expected = disagreement(pooled) / max(len(pooled) - 1, 1) if pooled else 0.0
    if expected == 0:
        return float("nan")
    observed = sum(disagreement(unit) / (len(unit) - 1) for unit in paired)
    return 1 - observed / expected


def _differing(judgements: Sequence[object]) -> float:
    """Ordered pairs of unequal judgements."""
    _, counts = np.unique([str(each) for each in judgements], return_counts=True)
    return float(len(judgements) ** 2 - np.sum(counts.astype(np.int64) ** 2))


def _squared(judgements: Sequence[object]) -> float:
    """Squared distances summed over ordered pairs."""
    values = np.asarray(judgements, dtype=np.float64)
    return float(2 * len(values) * np.sum((values - values.mean()) ** 2))


_DISAGREEMENTS: Mapping[Scale, Callable[[Sequence[object]], float]] = {
    "nominal": _differing,
    "interval": _squared,
}

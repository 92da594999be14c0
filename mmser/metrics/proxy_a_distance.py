"""Proxy A-distance: how well a linear classifier tells two domains apart by their vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mmser.core.errors import MmserError


def proxy_a_distance(first: ArrayLike, second: ArrayLike, parts: int = 5, seed: int = 0) -> float:
    """``2 (1 - 2 error)`` of a linear classifier of two sets of vectors, (row, feature) each.

    0: the domains cannot be told apart; 2: perfectly. The classifier (logistic regression on
    standardised features, domains weighted alike) is judged on ``parts`` held-out parts in turn,
    drawn by ``seed``. The error is the mean of the two domains' errors, so that unequal sizes do
    not count as a difference, and one above a half counts as a half: where each domain has been
    centred on these very rows (z-scores per domain), what is fitted lies on the other side of what
    is held out. Source: Ben-David et al., "Analysis of representations for domain adaptation", NIPS
    2006. Raises MmserError when a domain has fewer than ``parts`` rows, or a number is missing.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sets = [np.asarray(vectors, dtype=np.float64) for vectors in (first, second)]
    too_small = any(vectors.ndim != 2 or len(vectors) < parts for vectors in sets)
    if too_small or sets[0].shape[1] != sets[1].shape[1]:
        shapes = " and ".join(str(vectors.shape) for vectors in sets)
        raise MmserError(
            f"two sets of at least {parts} vectors of one size", shapes, "Use larger domains."
        )
    joint, domain = np.concatenate(sets), np.repeat([0, 1], [len(vectors) for vectors in sets])
    if not np.isfinite(joint).all():
        raise MmserError(
            "finite vectors", "NaN or infinity", "The training diverged: lower the learning rate."
        )
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)
    )
    folds = StratifiedKFold(parts, shuffle=True, random_state=seed)
    wrong = cross_val_predict(classifier, joint, domain, cv=folds) != domain
    # Twice the mean of the two domains' errors.
    errors = wrong[domain == 0].mean() + wrong[domain == 1].mean()
    return max(0.0, float(2.0 * (1.0 - errors)))

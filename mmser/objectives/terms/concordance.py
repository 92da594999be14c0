"""Lin's concordance correlation coefficient as a differentiable function."""

from __future__ import annotations

import torch
from torch import Tensor


def concordance(prediction: Tensor, target: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Lin's concordance per column: (row, value), (row, value with NaN) -> (value,) float32.

    ``2 cov / (var_p + var_t + (mean_p - mean_t)^2)`` with population moments (Lin, 1989).
    ``epsilon`` keeps two equal constants at 0 with a finite gradient, where the coefficient is
    undefined.
    """
    labelled = ~target.isnan()
    count = labelled.sum(dim=0).clamp_min(1)
    p = torch.where(labelled, prediction.float(), 0.0)
    t = torch.where(labelled, target.float(), 0.0)
    mean_p, mean_t = p.sum(dim=0) / count, t.sum(dim=0) / count
    # Centred before squaring: the textbook E[x^2] - E[x]^2 loses all digits in float32 for values
    # far from zero.
    p, t = (p - mean_p) * labelled, (t - mean_t) * labelled
    covariance = (p * t).sum(dim=0) / count
    spread = (p.square() + t.square()).sum(dim=0) / count
    return 2.0 * covariance / (spread + (mean_p - mean_t).square() + epsilon)

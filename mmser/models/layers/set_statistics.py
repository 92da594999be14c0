"""Deviation and mean over a set of vectors, such as those of the modalities; order and absent
members do not matter.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmser.models.layers.masks.padding import zero_padding


def set_statistics(vectors: Tensor, present: Tensor, epsilon: float = 1e-8) -> Tensor:
    """[sd ; mean] over the vectors that are there: (batch, vector, feature) and (batch, vector) ->
    (batch, 2 feature).

    The variance is unbiased; ``epsilon`` under the root keeps the gradient finite where the vectors
    coincide. With a single vector the deviation is that of coinciding ones; without any, everything
    is zero.
    """
    count = present.sum(dim=1, keepdim=True).to(vectors.dtype)
    mean = zero_padding(vectors, present).sum(dim=1) / count.clamp(min=1)
    squares = zero_padding(vectors - mean[:, None], present).square().sum(dim=1)
    deviation = (squares / (count - 1).clamp(min=1) + epsilon).sqrt()
    return torch.cat([deviation.masked_fill(count == 0, 0.0), mean], dim=-1)

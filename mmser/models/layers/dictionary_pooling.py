"""Multi-head attention pooling by distance to learnt centres; the softmax runs over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.masks.padding import masked_softmax, zero_padding


class CentrePooling(nn.Module):
    """``w_ht = softmax over t of -s_h ||x_t - mu_h||``, ``e_h = sum_t w_ht x_t``, the heads side by
    side.

    Unlike the learnable dictionary encoding it resembles, the softmax is over time and the centre
    is not subtracted. ``s_h`` is kept positive by softplus.
    """

    def __init__(self, size: int, heads: int = 8) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(heads, size) * 0.1)
        self.raw_scale = nn.Parameter(torch.zeros(heads))
        self.output_size = heads * size

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, time, feature), mask (batch, time) -> (batch, head x feature), weights
        (batch, head, time).
        """
        values = zero_padding(values, mask)
        # ||x - mu||^2 without a (batch, head, time, feature) tensor.
        # 1e-8 keeps the root's gradient finite.
        cross = torch.einsum("btf,hf->bht", values, self.centres)
        squares = (
            values.square().sum(-1)[:, None]
            + self.centres.square().sum(-1)[None, :, None]
            - 2.0 * cross
        )
        distances = (squares.clamp_min(0.0) + 1e-8).sqrt()
        weights = masked_softmax(
            -F.softplus(self.raw_scale)[None, :, None] * distances, mask[:, None]
        )
        return torch.einsum("bht,btf->bhf", weights, values).flatten(1), weights

"""Multi-head attention over torch's fused kernel, with masks of keys.

A row may be left without any key.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.models.layers.masks.padding import masked_softmax, zero_padding


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_mask: Tensor,
    dropout: float = 0.0,
    need_weights: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Scaled dot-product attention.

    query (batch, head, query, feature), key and value (batch, head, key, feature). ``key_mask``
    (batch, key) bool, or (batch, query, key) where each query sees its own keys; keys and values
    must be finite everywhere. A query without any key gets zeros. ``dropout`` acts on the weights;
    with 0 and no weights asked for, the fused kernel runs. Returns (batch, head, query, feature)
    and weights (batch, head, query, key) or None.
    """
    mask = key_mask[:, None, None] if key_mask.dim() == 2 else key_mask[:, None]
    if need_weights:
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        weights = masked_softmax(scores, mask)
        return F.dropout(weights, dropout, training=dropout > 0) @ value, weights
    seen = mask.any(dim=-1, keepdim=True)
    # The kernel gives NaN gradients where no key may be seen: let those queries see all, then drop
    # what they saw.
    out = F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask | ~seen, dropout_p=dropout
    )
    return out.masked_fill(~seen, 0.0), None


class MultiHeadAttention(nn.Module):
    """Project, attend in ``heads`` subspaces, project back (Vaswani et al. 2017).

    ``size`` is the dimension of queries and output, ``key_size`` and ``value_size`` that of what is
    attended (default: ``size``). ``dropout`` acts on the attention weights, where it rules out the
    fused CPU kernel: default 0.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        key_size: int | None = None,
        value_size: int | None = None,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_heads(size, heads)
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(size, size, bias)
        self.key = nn.Linear(key_size or size, size, bias)
        self.value = nn.Linear(value_size or key_size or size, size, bias)
        self.out = nn.Linear(size, size, bias)
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(layer.weight)
            if bias:
                nn.init.zeros_(layer.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        key_mask: Tensor,
        value: Tensor | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """query (batch, query, feature), key and value (batch, key, feature) -> values, weights.

        ``key_mask`` is (batch, key) or (batch, query, key). ``value`` defaults to ``key``. Padded
        keys may hold anything; queries must be finite. Returns (batch, query, feature), zeros where
        no key is valid, and weights (batch, head, query, key) when asked for.
        """
        valid = key_mask if key_mask.dim() == 2 else key_mask.any(dim=1)
        key = zero_padding(key, valid)
        value = key if value is None else zero_padding(value, valid)
        dropout = self.dropout if self.training else 0.0
        out, weights = attend(
            self._split(self.query(query)),
            self._split(self.key(key)),
            self._split(self.value(value)),
            key_mask,
            dropout,
            need_weights,
        )
        merged = self.out(out.transpose(1, 2).flatten(2))  # (batch, query, feature)
        # Whether a query sees any key: the same for all of a row, (batch, 1), or for each.
        seen = key_mask.any(dim=-1)
        seen = seen[:, None] if seen.dim() == 1 else seen
        return merged.masked_fill(~seen[..., None], 0.0), weights

    def _split(self, values: Tensor) -> Tensor:
        """(batch, time, feature) -> (batch, head, time, feature per head)."""
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def dot_attention(query: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """One query per row, unscaled scores <query, step>; returns the weighted sum and the weights.

    query (batch, feature), values (batch, time, feature), mask (batch, time) -> (batch, feature),
    (batch, time).
    """
    values = zero_padding(values, mask)
    weights = masked_softmax(torch.einsum("bf,btf->bt", query, values), mask)
    return torch.einsum("bt,btf->bf", weights, values), weights


def check_heads(size: int, heads: int) -> None:
    """Raise MmserError unless the features of an attention can be shared out among its heads."""
    if size % heads:
        raise MmserError(
            "an attention size divisible by the number of heads",
            f"{size} / {heads}",
            "Change heads.",
        )

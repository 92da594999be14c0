"""A post-norm transformer layer whose attention keeps only the most attended keys.

Source: Chen et al., ICASSP 2022.

``x = LN(x + drop(Att(x + P)))``, then ``x = LN(x + drop(W2 drop(relu(W1 x))))``. The positions P
are added to query and key, never to the residual; in self-attention the values carry them too, in
cross-attention they do not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.models.fusion.ks_transformer.key_sparse import (
    column_sums,
    kept_keys,
    key_sparse_attention,
)
from mmser.models.layers.attention.multi_head import (
    attend,
    attend_to_all,
    check_heads,
    joint_projection,
)
from mmser.models.layers.dense.feed_forward import FeedForward
from mmser.models.layers.masks.padding import absent, masked_softmax, zero_padding


class KeySparseAttention(nn.Module):
    """Multi-head attention of which each head keeps the share ``keep`` of its keys.

    A share of 1.0 is plain attention. ``renormalise`` divides the weights of the kept keys by their
    sum, so that they add up to one again (the paper is silent, its code does not).
    ``count_padding`` takes the share of all keys, padding included, as the released code.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        key_size: int | None = None,
        keep: float = 0.5,
        dropout: float = 0.0,
        renormalise: bool = False,
        count_padding: bool = False,
    ) -> None:
        super().__init__()
        check_heads(size, heads)
        if not 0.0 < keep <= 1.0:
            raise MmserError(
                "a share of kept keys above 0 and up to 1",
                str(keep),
                "Set keep, for example to 0.5.",
            )
        self.heads, self.keep, self.dropout = heads, keep, dropout
        self.renormalise, self.count_padding = renormalise, count_padding
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(key_size or size, size)
        self.value = nn.Linear(key_size or size, size)
        self.out = nn.Linear(size, size)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        query_mask: Tensor,
        key_mask: Tensor,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """query (batch, query, feature), key and value (batch, key, feature) -> values, weights.

        All are finite; masks are (batch, time). Returns (batch, query, feature) and, when asked
        for, the weights (batch, head, query, key), zero at dropped keys. A row without any valid
        key gives zeros.
        """
        q, k, v = (self._split(part) for part in self._projected(query, key, value))
        dropout = self.dropout if self.training else 0.0
        if self.keep == 1.0 and need_weights:
            out, weights = attend(q, k, v, key_mask, dropout, need_weights)
        elif self.keep == 1.0:
            out, weights = attend_to_all(q, k, v, key_mask, dropout), None
        else:
            out, survivors = self._sparse(q, k, v, query_mask, key_mask, dropout)
            weights = self._weights(q, k, survivors, key_mask) if need_weights else None
        nothing_seen = absent(key_mask)[:, None, None]
        return self.out(out.transpose(1, 2).flatten(2)).masked_fill(nothing_seen, 0.0), weights

    def _projected(
        self, query: Tensor, key: Tensor, value: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values; all three are one product where a stream asks itself."""
        if query is key and key is value:
            q, k, v = joint_projection(query, self.query, self.key, self.value)
            return q, k, v
        return self.query(query), self.key(key), self.value(value)

    def _sparse(
        self, q: Tensor, k: Tensor, v: Tensor, query_mask: Tensor, key_mask: Tensor, dropout: float
    ) -> tuple[Tensor, Tensor]:
        if not self.renormalise:
            return key_sparse_attention(
                q, k, v, query_mask, key_mask, self.keep, dropout, self.count_padding
            )
        counted = torch.ones_like(key_mask) if self.count_padding else key_mask
        survivors = kept_keys(
            column_sums(q, k, query_mask, key_mask), key_mask, counted.sum(dim=1), self.keep
        )
        # A softmax over the kept keys alone is the softmax over all keys, cut and divided by what
        # is left.
        open_to_all = ~survivors.any(dim=-1, keepdim=True)
        out = F.scaled_dot_product_attention(
            q, k, v, (survivors | open_to_all)[:, :, None], dropout_p=dropout
        )
        return out.masked_fill(open_to_all[..., None], 0.0), survivors

    def _weights(self, q: Tensor, k: Tensor, survivors: Tensor, key_mask: Tensor) -> Tensor:
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        if self.renormalise:
            return masked_softmax(scores, survivors[:, :, None])
        weights = masked_softmax(scores, key_mask[:, None, None])
        return weights.masked_fill(~survivors[:, :, None], 0.0)

    def _split(self, values: Tensor) -> Tensor:
        """(batch, time, feature) -> (batch, head, time, feature per head)."""
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class KeySparseLayer(nn.Module):
    """Attention, residual, norm; feed-forward, residual, norm."""

    def __init__(
        self, attention: KeySparseAttention, size: int, inner_size: int, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = nn.LayerNorm(size)
        self.feed_forward = FeedForward(size, inner_size, dropout)
        self.feed_forward_norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        values: Tensor,
        mask: Tensor,
        places: Tensor,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
        memory_places: Tensor | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """values (batch, time, feature), mask (batch, time) -> the same shape, weights.

        ``places`` (time, feature) are the positions; memory has a mask and places of its own.
        Without ``memory`` the layer attends to itself. ``mask`` says which queries vote; padding
        comes out zero. ``memory_mask`` says which keys may be attended to (default: ``mask``).
        Returns the values and the weights.
        """
        query = values + places
        keys_mask = mask if memory_mask is None else memory_mask
        if memory is None:
            key, value = query, query
        else:
            key, value = memory if memory_places is None else memory + memory_places, memory
        attended, weights = self.attention(query, key, value, mask, keys_mask, need_weights)
        values = self.attention_norm(values + self.dropout(attended))
        values = self.feed_forward_norm(values + self.dropout(self.feed_forward(values)))
        return zero_padding(values, mask), weights

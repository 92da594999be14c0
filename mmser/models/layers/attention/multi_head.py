"""Multi-head attention over torch's fused kernel, with masks of keys.

A row may be left without any key.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.models.layers.masks.derived import once
from mmser.models.layers.masks.padding import absent, masked_softmax, padding, zero_padding


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
    if need_weights:
        mask = key_mask[:, None, None] if key_mask.dim() == 2 else key_mask[:, None]
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        weights = masked_softmax(scores, mask)
        return F.dropout(weights, dropout, training=dropout > 0) @ value, weights
    out = attend_to_all(query, key, value, key_mask, dropout)
    return out.masked_fill(_nothing_seen(key_mask)[:, None], 0.0), None


def attend_to_all(
    query: Tensor, key: Tensor, value: Tensor, key_mask: Tensor, dropout: float = 0.0
) -> Tensor:
    """`attend` by the fused kernel, where a query without any key has seen all of them.

    The kernel gives NaN gradients where no key may be seen; what such queries saw has to be dropped
    afterwards.
    """
    bias = once(_bias, key_mask, query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)


def _bias(key_mask: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to the scores: 0 for keys seen, else -inf; all 0 where no key is.

    Shaped (batch, 1, 1 or query, key). The kernels make it of a mask anew at every call, and copy
    it where its rows do not lie a multiple of 16 numbers apart.
    """
    hidden = padding(key_mask) & ~absent(key_mask)[..., None]
    hidden = hidden[:, None] if hidden.dim() == 3 else hidden[:, None, None]
    if torch.compiler.is_exporting():  # another runtime lays its memory out by itself
        return ~hidden
    keys = hidden.shape[-1]
    room = torch.zeros(*hidden.shape[:-1], keys + -keys % 16, dtype=dtype, device=hidden.device)
    return room[..., :keys].masked_fill_(hidden, -math.inf)


def _nothing_seen(key_mask: Tensor) -> Tensor:
    """(batch, 1 or query, 1) bool: the queries without any key."""
    return absent(key_mask)[..., None] if key_mask.dim() == 3 else absent(key_mask)[:, None, None]


def joint_projection(inputs: Tensor, *layers: nn.Linear) -> tuple[Tensor, ...]:
    """Linear layers of the same inputs (*any, feature) in one product: what each of them gives."""
    if len(layers) == 1:
        return (layers[0](inputs),)
    weight = torch.cat([layer.weight for layer in layers])
    bias = None if layers[0].bias is None else torch.cat([layer.bias for layer in layers])
    return F.linear(inputs, weight, bias).split([layer.out_features for layer in layers], dim=-1)


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
        finite: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """query (batch, query, feature), key and value (batch, key, feature) -> values, weights.

        ``key_mask`` is (batch, key) or (batch, query, key). ``value`` defaults to ``key``. Padded
        keys may hold anything unless the caller knows that they are ``finite``; queries must be.
        Returns (batch, query, feature), zeros where no key is valid, and weights (batch, head,
        query, key) when asked for.
        """
        if not finite:
            valid = key_mask if key_mask.dim() == 2 else key_mask.any(dim=1)
            key_and_query_are_one = key is query
            key = zero_padding(key, valid)
            query = key if key_and_query_are_one else query
            value = None if value is None else zero_padding(value, valid)
        q, k, v = (self._split(part) for part in self._projected(query, key, value))
        dropout = self.dropout if self.training else 0.0
        if need_weights:
            out, weights = attend(q, k, v, key_mask, dropout, need_weights)
        else:
            out, weights = attend_to_all(q, k, v, key_mask, dropout), None
        merged = self.out(out.transpose(1, 2).flatten(2))  # (batch, query, feature)
        return merged.masked_fill(_nothing_seen(key_mask), 0.0), weights

    def _projected(
        self, query: Tensor, key: Tensor, value: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values; what has the same inputs is one product."""
        if value is not None:
            return self.query(query), self.key(key), self.value(value)
        if key is query:
            q, k, v = joint_projection(query, self.query, self.key, self.value)
        else:
            q = self.query(query)
            k, v = joint_projection(key, self.key, self.value)
        return q, k, v

    def _split(self, values: Tensor) -> Tensor:
        """(batch, time, feature) -> (batch, head, time, feature per head)."""
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def dot_attention(
    query: Tensor, values: Tensor, mask: Tensor, zeroed: bool = False
) -> tuple[Tensor, Tensor]:
    """One query per row, unscaled scores <query, step>; returns the weighted sum and the weights.

    query (batch, feature), values (batch, time, feature), mask (batch, time) -> (batch, feature),
    (batch, time). ``zeroed`` promises that padding holds zeros already.
    """
    if not zeroed:
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

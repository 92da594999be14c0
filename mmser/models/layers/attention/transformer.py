"""One transformer layer, self- or cross-attention, post-norm or pre-norm.

Sources: Vaswani et al. 2017 (post-norm), Xiong et al. 2020 (pre-norm).
"""

from __future__ import annotations

from torch import Tensor, nn

from mmser.models.layers.attention.multi_head import MultiHeadAttention
from mmser.models.layers.dense.feed_forward import Activation, FeedForward
from mmser.models.layers.masks.padding import zero_padding


class TransformerLayer(nn.Module):
    """Attention, residual, norm; feed-forward, residual, norm.

    ``dropout`` acts on both sub-layers' outputs and inside the feed-forward; ``weight_dropout`` on
    attention weights, where it rules out the fused CPU kernel (0 by default). ``memory_size`` is
    the dimension of what a cross-attention layer attends to.
    """

    def __init__(
        self,
        size: int,
        heads: int,
        inner_size: int,
        dropout: float = 0.1,
        weight_dropout: float = 0.0,
        pre_norm: bool = False,
        activation: Activation = "relu",
        memory_size: int | None = None,
    ) -> None:
        super().__init__()
        self.pre_norm = pre_norm
        self.attention = MultiHeadAttention(
            size, heads, key_size=memory_size, dropout=weight_dropout
        )
        self.attention_norm = nn.LayerNorm(size)
        self.feed_forward = FeedForward(size, inner_size, dropout, activation)
        self.feed_forward_norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        values: Tensor,
        mask: Tensor,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
        need_weights: bool = False,
        zeroed: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """values (batch, time, feature), mask (batch, time) -> the same shape, weights.

        ``memory`` (batch, key, feature) with its mask is attended to; without it, values attend to
        themselves. ``memory_mask`` may be (batch, query, key). Memory is used as given: under
        pre-norm only the queries (and, in self-attention, the keys) are normalised. ``zeroed``
        promises that padding holds zeros in both; without it, it may hold anything. Returns (batch,
        time, feature), zero in padding, and weights (batch, head, query, key) when asked for.
        """
        if not zeroed:
            values = zero_padding(values, mask)
        query = self.attention_norm(values) if self.pre_norm else values
        key = query if memory is None else memory
        key_mask = mask if memory_mask is None else memory_mask
        finite = zeroed or memory is None
        attended, weights = self.attention(
            query, key, key_mask, need_weights=need_weights, finite=finite
        )
        values = values + self.dropout(attended)
        if self.pre_norm:
            values = values + self.dropout(self.feed_forward(self.feed_forward_norm(values)))
        else:
            values = self.attention_norm(values)
            values = self.feed_forward_norm(values + self.dropout(self.feed_forward(values)))
        return zero_padding(values, mask), weights

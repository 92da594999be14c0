"""Multi-head self-attention over each stream, then mean and deviation over time, side by side.

Source: the emotion recogniser of Li et al., "Contrastive unsupervised learning for speech emotion
recognition", ICASSP 2021: eight heads of 64, output as wide as the input.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.core.errors import MmserError
from mmser.models.layers.attention.multi_head import attend
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.pooling import masked_mean, masked_std


class AttentiveStatistics(nn.Module):
    """[mean ; deviation] of ``concat(heads) W_o`` for every stream.

    An absent stream contributes zeros. ``inner_size`` is that of all heads together.
    """

    def __init__(
        self, input_sizes: Mapping[str, int], heads: int = 8, inner_size: int = 512
    ) -> None:
        super().__init__()
        if inner_size % heads:
            raise MmserError(
                "inner_size divisible by heads", f"{inner_size} / {heads}", "Change heads."
            )
        self.names = tuple(input_sizes)
        self.attentions = nn.ModuleList(
            _Attention(size, inner_size, heads) for size in input_sizes.values()
        )
        self.output_size = 2 * sum(input_sizes.values())

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) -> vector (batch, 2 x features)."""
        vectors, weights = [], {}
        for name, attention in zip(self.names, self.attentions, strict=True):
            mask = streams[name].mask
            values, seen = attention(streams[name].filled(), mask, need_attention)
            vectors += [masked_mean(values, mask), masked_std(values, mask, 1e-5)]
            if seen is not None:
                weights[name] = seen
        return Fused(torch.cat(vectors, dim=1), attention=weights)


class _Attention(nn.Module):
    def __init__(self, size: int, inner_size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(size, inner_size) for _ in range(3))
        self.out = nn.Linear(inner_size, size)

    def forward(
        self, values: Tensor, mask: Tensor, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        """values (batch, time, feature), mask (batch, time) -> the same shape, and the weights.

        Weights are (batch, head, time, time).
        """
        query, key, value = (
            layer(values).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        attended, weights = attend(query, key, value, mask, need_weights=need_weights)
        return zero_padding(self.out(attended.transpose(1, 2).flatten(2)), mask), weights

"""Transformer with a symmetric distance bias in its attention (ALiBi), post-norm.

The backbone of data2vec 2.0.

Sources: Press, Smith, Lewis, "Train short, test long", ICLR 2022 (slopes); Baevski et al., data2vec
2.0, ICML 2023.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.masks.padding import zero_padding


def alibi_slopes(heads: int) -> list[float]:
    """The slope of each head's distance bias: a geometric series.

    Where ``heads`` is no power of two, it is the series of the power below and every other one of
    the series above.
    """
    nearest = 2 ** math.floor(math.log2(heads))
    slopes = [2.0 ** (-8.0 * (head + 1) / nearest) for head in range(nearest)]
    further = [2.0 ** (-4.0 * (head + 1) / nearest) for head in range(0, 2 * (heads - nearest), 2)]
    return slopes + further


class AlibiBlock(nn.Module):
    """Attention, residual, norm; feed-forward, residual, norm."""

    def __init__(self, size: int, heads: int, inner_size: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv, self.proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.fc1, self.fc2 = nn.Linear(size, inner_size), nn.Linear(inner_size, size)

    def forward(self, values: Tensor, bias: Tensor) -> Tensor:
        """values (batch, time, feature), bias (batch, head, query, key) -> same shape as values.

        The bias is -inf where a key may not be attended to.
        """
        query, key, value = (
            self.qkv(values).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        )
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        values = self.norm1(values + self._dropped(self.proj(attended.transpose(1, 2).flatten(2))))
        return self.norm2(values + self._dropped(self.fc2(F.gelu(self.fc1(values)))))

    def _dropped(self, values: Tensor) -> Tensor:
        return F.dropout(values, self.dropout, self.training)


class AlibiBackbone(nn.Module):
    """Layer norm, then ``layers`` blocks.

    ``scale`` multiplies the distance bias of each head; it does not learn.
    """

    scale: Tensor

    def __init__(
        self, size: int, layers: int, heads: int, inner_size: int, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.blocks = nn.ModuleList(
            AlibiBlock(size, heads, inner_size, dropout) for _ in range(layers)
        )
        self.register_buffer("scale", torch.ones(heads))
        self.slopes = alibi_slopes(heads)

    def forward(
        self,
        values: Tensor,
        mask: Tensor,
        tokens: Tensor | None = None,
        positions: Tensor | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """values (batch, time, feature), mask (batch, time) -> the last block's output, and all.

        ``tokens`` (token, feature) are set before the frames. ``positions`` (batch, time) long says
        where each frame stands, when frames between them have been left out. Returns the last
        block's output and every block's, (batch, token + time, feature), zero in padding. Tokens
        are at no distance from anything. An utterance without a frame gives zeros.
        """
        if positions is None:
            positions = torch.arange(mask.shape[1], device=mask.device)[None]
        count = 0 if tokens is None else len(tokens)
        values = zero_padding(values, mask)
        seen = mask
        if tokens is not None:
            values = torch.cat([tokens.expand(len(values), -1, -1), values], dim=1)
            seen = F.pad(mask, (count, 0), value=True)
        real = seen & mask.any(dim=1, keepdim=True)
        # A softmax needs at least one key: an absent row attends to everything and is dropped.
        keys = real | ~real.any(dim=1, keepdim=True)
        bias = self.bias(positions, count).masked_fill(~keys[:, None, None], float("-inf"))
        hidden, outputs = self.norm(values), []
        for block in self.blocks:
            hidden = zero_padding(block(hidden, bias), real)
            outputs.append(hidden)
        return hidden, outputs

    def bias(self, positions: Tensor, tokens: int = 0) -> Tensor:
        """Minus slope times distance: (batch, head, token + time, token + time).

        positions (batch, time). Zero for tokens.
        """
        distance = (positions[:, :, None] - positions[:, None]).abs().to(self.scale.dtype)
        slopes = self.scale.new_tensor(self.slopes) * self.scale.clamp_min(0.0)
        return F.pad(-slopes[:, None, None] * distance[:, None], (tokens, 0, tokens, 0))

"""WavLM's attention in one fused call.

Source: Chen et al., "WavLM", JSTSP 2022, section III-B: the bias of each pair of positions, shared
by all layers, is scaled by a gate that each layer reads from the query. transformers computes it
with all weights in memory and the gated bias once for each row of the batch in float32; here it is
the float mask of torch's scaled dot product attention, which gives the same numbers to rounding.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOST_WEIGHTS = 2**28
"""Values of the gated bias at once; queries of longer sound take turns."""

N = TypeVar("N", bound=nn.Module)


class GatedPositionAttention(nn.Module):
    """Takes over the parameters of transformers' ``WavLMAttention`` under their names."""

    def __init__(self, own: Any) -> None:
        super().__init__()
        self.heads, self.dropout = int(own.num_heads), float(own.dropout)
        self.buckets, self.farthest = int(own.num_buckets), int(own.max_distance)
        # In their order: an optimizer's saved state counts them.
        self.k_proj, self.v_proj, self.q_proj = own.k_proj, own.v_proj, own.q_proj
        self.out_proj = own.out_proj
        self.gru_rel_pos_const = own.gru_rel_pos_const
        self.gru_rel_pos_linear = own.gru_rel_pos_linear
        # The first layer alone has the table that all share.
        if hasattr(own, "rel_attn_embed"):
            self.rel_attn_embed = own.rel_attn_embed
        self.train(own.training)

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        **_: Any,
    ) -> tuple[Tensor, None, Tensor]:
        """(batch, time, feature) -> the same shape, no weights, and the bias for the next layer.

        ``attention_mask`` is (batch, time), 1 where a key is real, or what is to be added to the
        weights of every query, (batch, 1, 1, time). ``position_bias`` is what the first layer gave.
        """
        batch, time = hidden_states.shape[:2]
        if position_bias is None:
            position_bias = self.bias(time, batch)
        query, key, value = (
            project(hidden_states).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        gate = self.gate(hidden_states).transpose(1, 2)
        hidden_keys = _hidden_keys(attention_mask, query.dtype)
        heard = self.heard(query, key, value, gate, hidden_keys, position_bias)
        return self.out_proj(heard.transpose(1, 2).flatten(2)), None, position_bias

    def heard(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        gate: Tensor,
        hidden_keys: Tensor | None,
        bias: Tensor,
    ) -> Tensor:
        """Queries, keys, values (batch, head, time, feature of a head) -> the same shape.

        gate (batch, head, query, 1); hidden_keys (batch, 1, 1, key) is added to every query's
        weights; bias: see `bias`.
        """
        batch, _, time, _ = query.shape
        rows = self._rows(time, batch)
        gate = gate.to(query.dtype)
        hidden_keys = None if hidden_keys is None else _aligned(hidden_keys)
        parts = []
        for start in range(0, time, rows):
            end = min(start + rows, time)
            own_bias = _aligned(_bias_rows(bias, start, end, time).to(query.dtype))
            own_gate = gate[:, :, start:end]
            if hidden_keys is None:
                added = own_gate * own_bias
            else:
                added = torch.addcmul(hidden_keys, own_gate, own_bias)
            dropout = self.dropout if self.training else 0.0
            parts.append(
                F.scaled_dot_product_attention(
                    query[:, :, start:end], key, value, added[..., :time], dropout
                )
            )
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)

    def gate(self, hidden: Tensor) -> Tensor:
        """(..., feature) -> (..., head, 1)."""
        parts = self.gru_rel_pos_linear(hidden.unflatten(-1, (self.heads, -1)))
        reset, update = torch.sigmoid(parts.unflatten(-1, (2, 4)).sum(dim=-1)).chunk(2, dim=-1)
        return reset * (update * self.gru_rel_pos_const.view(-1, 1) - 1.0) + 2.0

    def bias(self, time: int, batch: int) -> Tensor:
        """The bias of each pair, (head, query, key); of long sound by distance alone."""
        distances = torch.arange(1 - time, time, device=self.rel_attn_embed.weight.device)
        by_distance = self.rel_attn_embed(self._buckets(distances)).T  # (head, 2 time - 1)
        if self._rows(time, batch) < time:
            return by_distance
        return _bias_rows(by_distance, 0, time, time)

    def _rows(self, time: int, batch: int) -> int:
        """Queries whose gated bias fits into memory at once."""
        return max(1, MOST_WEIGHTS // (batch * self.heads * time))

    def _buckets(self, distances: Tensor) -> Tensor:
        """One bucket each for small distances, wider ones (by the logarithm) for larger."""
        half = self.buckets // 2
        exact = half // 2
        far = distances.abs()
        ratio = torch.log(far.float() / exact) / math.log(self.farthest / exact)
        wide = (exact + ratio * (half - exact)).to(torch.long).clamp(max=half - 1)
        return (distances > 0).to(torch.long) * half + torch.where(far < exact, far, wide)


def with_fused_attention(network: N) -> N:
    """Every attention of WavLM in ``network`` replaced; another network stays as it is."""
    from transformers.models.wavlm.modeling_wavlm import WavLMAttention

    for module in network.modules():
        if isinstance(getattr(module, "attention", None), WavLMAttention):
            module.attention = GatedPositionAttention(module.attention)
    return network


def _bias_rows(bias: Tensor, start: int, end: int, time: int) -> Tensor:
    """Rows of the bias, (head, row, key), from (head, query, key) or (head, distance)."""
    if bias.dim() == 3:
        return bias[:, start:end]
    # Key j is j - i away from query i: each row is the one before it, read one place earlier.
    return bias.unfold(1, time, 1)[:, time - end : time - start].flip(1)


def _aligned(values: Tensor) -> Tensor:
    """On a GPU the last axis filled up to a multiple of eight: its attention would copy others."""
    surplus = -values.shape[-1] % 8 if values.is_cuda else 0
    return F.pad(values, (0, surplus)) if surplus else values


def _hidden_keys(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """(batch, 1, 1, time), minus infinity at padding."""
    if mask is None or mask.dim() == 4:
        return mask
    hidden = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return hidden.masked_fill(mask == 0, -torch.inf)[:, None, None]

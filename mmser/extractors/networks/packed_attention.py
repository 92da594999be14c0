"""Self-attention of transformers' speech networks over packed rows, for inference.

Everything but attention itself is computed without padding; queries, keys and values are one
product, and come into a padded batch in one step.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.extractors.networks.packing import Packing
from mmser.models.layers.attention.gated_positions import GatedPositionAttention

N = TypeVar("N", bound=nn.Module)


class PackedAttention(nn.Module):
    """Takes the place of an attention of transformers with ``q_proj`` to ``out_proj``.

    ``own`` may be a `GatedPositionAttention`, whose positions and gate it keeps.
    """

    def __init__(self, own: Any) -> None:
        super().__init__()
        self.gated = isinstance(own, GatedPositionAttention)
        self.heads = int(own.heads if self.gated else own.num_heads)
        projections = (own.q_proj, own.k_proj, own.v_proj)
        self.weight = nn.Parameter(torch.cat([each.weight for each in projections]), False)
        self.bias = nn.Parameter(torch.cat([each.bias for each in projections]), False)
        self.out_proj = own.out_proj
        if self.gated:
            own.q_proj = own.k_proj = own.v_proj = None
            self.positions = own
        self.train(own.training)

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Packing,
        position_bias: Tensor | None = None,
        **_: Any,
    ) -> tuple[Any, ...]:
        """(step, feature) -> the same shape, and what transformers' layers take beside it.

        ``attention_mask`` says which steps are a row.
        """
        packing = attention_mask
        joint = packing.padded(F.linear(hidden_states, self.weight, self.bias))
        # (row, time, 3 * feature) -> three of (row, head, time, feature of a head)
        query, key, value = joint.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        hidden_keys = packing.hidden_keys
        if self.gated:
            gate = packing.padded(self.positions.gate(hidden_states)).transpose(1, 2)
            if position_bias is None:
                position_bias = self.positions.bias(packing.longest, packing.rows)
            heard = self.positions.heard(query, key, value, gate, hidden_keys, position_bias)
        else:
            heard = F.scaled_dot_product_attention(query, key, value, hidden_keys)
        steps = packing.packed(heard.transpose(1, 2).flatten(2))
        out = self.out_proj(steps)
        return (out, None, position_bias) if self.gated else (out, None)


def with_packed_attention(network: N) -> N:
    """Every attention in the layers of a network's encoder replaced."""
    for layer in network.encoder.layers:  # type: ignore[union-attr]
        layer.attention = PackedAttention(layer.attention)
    return network

"""Rows of a batch encoded a few at a time.

This is what a frozen encoder needs to read whole conversations.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmser.models.layers.masks.padding import extent


def in_chunks(
    encode: Callable[[Tensor, Tensor], Tensor], values: Tensor, mask: Tensor, rows: int
) -> Tensor:
    """``encode`` on at most ``rows`` rows at a time, without needless padding.

    Rows of similar length are encoded together. values (batch, time, *feature), mask (batch, time)
    -> (batch, *any), as if ``encode`` had read all at once, provided that rows do not influence
    each other.
    """
    if len(mask) <= rows:
        return encode(values, mask)
    # Short rows together, so that no chunk is padded more than it needs.
    lengths = extent(mask)
    order = lengths.argsort(stable=True)
    encoded = []
    for chunk in order.split(rows):
        longest = max(1, int(lengths[chunk].max()))
        encoded.append(encode(values[chunk, :longest], mask[chunk, :longest]))
    return torch.cat(encoded)[order.argsort()]

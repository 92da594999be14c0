"""Key-sparse attention on CUDA: four to six fused kernels, in memory linear in the lengths.

A compiler of models does not look inside: what follows is kernels already.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmser.models.fusion.ks_transformer import column_sums_triton as sums_of
from mmser.models.fusion.ks_transformer import kept_attention_triton as kept_keys
from mmser.models.fusion.ks_transformer import key_order_triton as order_of
from mmser.models.fusion.ks_transformer.kernel_launch import Tensors, run
from mmser.models.fusion.ks_transformer.kernel_tiles import ranks_in_one_pass, tile

CHUNKS = (1024, 8192)
"""Keys that one program ranks at a time: the first where it holds them all."""


class Ranked(NamedTuple):
    """What the column sums say about the keys of each head.

    ``kept`` (batch, head, key) bool; ``logsumexp`` (batch, head, query), to the base 2; ``order``
    (batch, head, key): kept keys first, then dropped ones, then padding; ``extents`` (batch, head,
    2): how many are kept and how many are valid.
    """

    kept: Tensor
    logsumexp: Tensor
    order: Tensor
    extents: Tensor


class _Launch:
    """Arguments that the kernels share, of query and key (batch, head, time, feature)."""

    def __init__(self, query: Tensor, key: Tensor) -> None:
        batch, self.heads, self.queries, self.size = query.shape
        self.keys = key.shape[2]
        self.width = max(16, 1 << (self.size - 1).bit_length())
        self.programs = batch * self.heads
        self.dtype, self.device = query.dtype, query.device
        self.counts = self.heads, self.queries, self.keys
        self.strides = _strides(query, key)
        self.scale = self.size**-0.5
        self.factor = self.scale * math.log2(math.e)

    def over_queries(self, kernel: str, **more: bool) -> tuple[tuple[int, int], dict[str, Any]]:
        """Grid and options of a kernel with a program per block of queries."""
        options = self._options(kernel) | more
        return (-(-self.queries // options["BLOCK_Q"]), self.programs), options

    def over_keys(self, kernel: str, **more: bool) -> tuple[tuple[int, int], dict[str, Any]]:
        """Grid and options of a kernel with a program per block of keys."""
        options = self._options(kernel) | more
        return (-(-self.keys // options["BLOCK_K"]), self.programs), options

    def in_one_pass(self, count_padding: bool) -> dict[str, Any]:
        """Options of the kernel whose programs hold all keys."""
        block = max(16, 1 << (self.keys - 1).bit_length())
        return self._options("rank") | {"BLOCK_K": block, "COUNT_PADDING": count_padding}

    def _options(self, kernel: str) -> dict[str, Any]:
        chosen = tile(kernel, self.dtype, self.width, self.device)
        return {
            "SIZE": self.size,
            "WIDTH": self.width,
            "PRECISION": chosen.precision,
            "BLOCK_Q": chosen.queries,
            "BLOCK_K": chosen.keys,
            "num_warps": chosen.warps,
            "num_stages": chosen.stages,
        }


def _strides(*tensors: Tensor) -> tuple[int, ...]:
    """Of batch, head and time of each."""
    return tuple(stride for tensor in tensors for stride in tensor.stride()[:3])


def _in_rows(values: Tensor) -> Tensor:
    """With the features of a time step next to each other, as the kernels read them."""
    return values if values.stride(-1) == 1 else values.contiguous()


def _laid_as(values: Tensor, other: Tensor) -> Tensor:
    """With the strides of ``other``, of the same shape."""
    if values.stride() == other.stride():
        return values
    return values.new_empty_strided(other.shape, other.stride()).copy_(values)


def _bytes(mask: Tensor) -> Tensor:
    return mask.contiguous().view(torch.uint8)


@torch.compiler.disable
def key_sparse_cuda(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    query_mask: Tensor,
    key_mask: Tensor,
    keep: float,
    shrink: float,
    dropout: float,
    count_padding: bool,
) -> tuple[Tensor, Tensor]:
    """query (batch, head, query, feature), key and value (batch, head, key, feature), masks of
    votes and of keys (batch, time) -> output as the query, kept keys (batch, head, key) bool.

    A key is kept when its column sum reaches ``shrink`` times the k-th largest.
    """
    query, key = _in_rows(query), _in_rows(key)
    with torch.cuda.device_of(query):
        with torch.no_grad():
            kept, *ranked = _rank(query, key, query_mask, key_mask, keep, shrink, count_padding)
        return KeptAttention.apply(query, key, value, *ranked, float(dropout)), kept


@torch.compiler.disable
def column_sums_cuda(
    query: Tensor, key: Tensor, query_mask: Tensor, key_mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Column sums (batch, head, key) and log-sum-exp (batch, head, query), float32.

    query and key are (batch, head, time, feature), masks (batch, time). The logarithm is to the
    base 2.
    """
    query, key = _in_rows(query), _in_rows(key)
    launch = _Launch(query, key)
    logsumexp = query.new_empty(query.shape[:3], dtype=torch.float32)
    sums = query.new_empty(key.shape[:3], dtype=torch.float32)
    numbers = (*launch.counts, launch.factor)
    votes, valid = _bytes(query_mask), _bytes(key_mask)
    with torch.cuda.device_of(query):
        grid, options = launch.over_queries("logsumexp")
        tensors: Tensors = (query, key, valid, logsumexp)
        run(sums_of.row_logsumexp, grid, tensors, numbers, launch.strides, options)
        grid, options = launch.over_keys("sums")
        tensors = (query, key, votes, valid, logsumexp, sums)
        run(sums_of.sum_over_queries, grid, tensors, numbers, launch.strides, options)
    return sums, logsumexp


def _rank(
    query: Tensor,
    key: Tensor,
    query_mask: Tensor,
    key_mask: Tensor,
    keep: float,
    shrink: float,
    count_padding: bool,
) -> Ranked:
    launch = _Launch(query, key)
    kept = query.new_empty(key.shape[:3], dtype=torch.bool)
    order = query.new_empty(key.shape[:3], dtype=torch.int32)
    extents = query.new_empty(*key.shape[:2], 2, dtype=torch.int32)
    lists = kept.view(torch.uint8), order, extents
    if ranks_in_one_pass(query.dtype, launch.width, launch.queries, launch.keys):
        logsumexp = query.new_empty(query.shape[:3], dtype=torch.float32)
        sums = query.new_empty(key.shape[:3], dtype=torch.float32)
        tensors: Tensors = query, key, _bytes(query_mask), _bytes(key_mask), logsumexp, sums, *lists
        numbers: tuple[float, ...] = (*launch.counts, launch.factor, float(keep), shrink)
        options = launch.in_one_pass(count_padding)
        run(order_of.rank_short, (launch.programs,), tensors, numbers, launch.strides, options)
    else:
        sums, logsumexp = column_sums_cuda(query, key, query_mask, key_mask)
        chunk = CHUNKS[launch.keys > CHUNKS[0]]
        tensors = sums, _bytes(key_mask), *lists
        numbers = (launch.heads, launch.keys, float(keep), shrink)
        options = {
            "COUNT_PADDING": count_padding,
            "CHUNK": chunk,
            "num_warps": min(16, chunk // 256),
        }
        run(order_of.list_keys, (launch.programs,), tensors, numbers, (), options)
    return Ranked(kept, logsumexp, order, extents)


class KeptAttention(torch.autograd.Function):
    """Attention to the kept keys with weights that sum to one over all valid keys."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        logsumexp: Tensor,
        order: Tensor,
        extents: Tensor,
        dropout: float,
    ) -> Tensor:
        """query and key (batch, head, time, feature), in rows, value (as key) -> as the query."""
        launch, value = _Launch(query, key), _laid_as(value, key)
        seed = torch.randint(2**62, (1,), device=query.device) if dropout > 0 else None
        # Without the gaps that query has as a part of a joint projection.
        out = torch.empty_like(query)
        grid, options = launch.over_queries("attend", DROP=dropout > 0)
        tensors: Tensors = query, key, value, logsumexp, order, extents, seed, out
        numbers = (*launch.counts, launch.factor, dropout)
        run(kept_keys.attend, grid, tensors, numbers, launch.strides + _strides(out), options)
        ctx.save_for_backward(query, key, value, out, logsumexp, order, extents, seed)
        ctx.dropout = dropout
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        """Of query, key and value."""
        query, key, value, out, logsumexp, order, extents, seed = ctx.saved_tensors
        launch, grad_out = _Launch(query, key), _laid_as(grad_out, out)
        delta = torch.empty_like(logsumexp)
        grad_query, grad_key = torch.empty_like(out), torch.empty_like(key)
        grad_value = torch.empty_like(grad_key)
        numbers = (*launch.counts, launch.factor, launch.scale, ctx.dropout)
        strides = launch.strides + _strides(out)
        # The first writes ``delta``, which the second reads.
        grid, options = launch.over_queries("grad_query", DROP=ctx.dropout > 0)
        tensors: Tensors = (
            query, key, value, out, grad_out, logsumexp, order, extents, seed, delta, grad_query,
        )  # fmt: skip
        run(kept_keys.grad_query, grid, tensors, numbers, strides, options)
        grid, options = launch.over_keys("grad_key", DROP=ctx.dropout > 0)
        tensors = (
            query, key, value, grad_out, logsumexp, delta, order, extents, seed,
            grad_key, grad_value,
        )  # fmt: skip
        run(kept_keys.grad_key, grid, tensors, numbers, strides + _strides(grad_key), options)
        return grad_query, grad_key, grad_value, None, None, None, None

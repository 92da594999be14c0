"""Key-sparse attention on CUDA: four to six fused kernels, in memory linear in the lengths."""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGEST_HEAD = 128
"""Features per head whose tiles fit on chip."""

PRECISION = "tf32x3"
"""Products of float32 are three of TF32, which together have float32's accuracy; half precision
has its own.
"""

CHUNKS = (1024, 8192)
"""Keys that one program ranks at a time: the first where it holds them all."""


class Tile(NamedTuple):
    """Queries and keys that a program holds at once, its warps, and its loads under way."""

    queries: int
    keys: int
    warps: int
    stages: int


def tiles(dtype: torch.dtype, width: int) -> dict[str, Tile]:
    """Of each kernel, for a head of ``width`` features."""
    if dtype == torch.float32:
        return {
            "logsumexp": Tile(64, 64, 4, 2),
            "sums": Tile(64, 64, 4, 2),
            "attend": Tile(64, 32, 4, 2),
            "grad_query": Tile(64, 32, 4, 2),
            "grad_key": Tile(32, 64, 4, 2),
        }
    return {
        "logsumexp": Tile(128, 128, 8, 3),
        "sums": Tile(128, 128, 8, 3),
        "attend": Tile(128, 64, 4 if width <= 64 else 8, 3),
        "grad_query": Tile(64, 64, 4, 2),
        "grad_key": Tile(64, 64, 4, 2),
    }


def ranks_in_one_pass(dtype: torch.dtype, width: int, queries: int, keys: int) -> bool:
    """Whether a program holds a head's keys and the scores of a block of queries at once.

    It goes through all queries of its head alone, so there must not be too many of them.
    """
    largest = 8192 if dtype == torch.float32 else 16384
    return keys * max(width, 64) <= largest and queries <= 1024


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


def has_kernels(query: Tensor, key: Tensor) -> bool:
    """Whether the kernels take these: an NVIDIA GPU since Ampere, at most single precision."""
    return (
        query.is_cuda
        and query.dtype == key.dtype
        and query.dtype in (torch.float32, torch.float16, torch.bfloat16)
        and query.shape[-1] <= LARGEST_HEAD
        and _compiles(query.get_device())
    )


@cache
def _compiles(device: int) -> bool:
    recent = torch.version.cuda is not None and torch.cuda.get_device_capability(device) >= (8, 0)
    return recent and find_spec("triton") is not None


class _Launch:
    """Arguments that the kernels share, of query and key (batch, head, time, feature)."""

    def __init__(self, query: Tensor, key: Tensor) -> None:
        batch, self.heads, self.queries, self.size = query.shape
        self.keys = key.shape[2]
        self.width = max(16, 1 << (self.size - 1).bit_length())
        self.programs = batch * self.heads
        self.tiles = tiles(query.dtype, self.width)
        self.counts = self.heads, self.queries, self.keys
        self.strides = _strides(query, key)
        self.scale = self.size**-0.5
        self.factor = self.scale * math.log2(math.e)

    def over_queries(self, kernel: str) -> tuple[int, int]:
        return -(-self.queries // self.tiles[kernel].queries), self.programs

    def over_keys(self, kernel: str) -> tuple[int, int]:
        return -(-self.keys // self.tiles[kernel].keys), self.programs

    def options(self, kernel: str) -> dict[str, Any]:
        tile = self.tiles[kernel]
        return {
            "SIZE": self.size,
            "WIDTH": self.width,
            "PRECISION": PRECISION,
            "BLOCK_Q": tile.queries,
            "BLOCK_K": tile.keys,
            "num_warps": tile.warps,
            "num_stages": tile.stages,
        }

    def options_in_one_pass(self) -> dict[str, Any]:
        keys = max(16, 1 << (self.keys - 1).bit_length())
        return {
            "SIZE": self.size,
            "WIDTH": self.width,
            "PRECISION": PRECISION,
            "BLOCK_Q": 64,
            "BLOCK_K": keys,
            "num_warps": 4 if keys <= 128 else 8,
            "num_stages": 2,
        }


def _strides(*tensors: Tensor) -> tuple[int, ...]:
    """Of batch, head and time of each."""
    return tuple(stride for tensor in tensors for stride in tensor.stride()[:3])


def in_rows(values: Tensor) -> Tensor:
    """With the features of a time step next to each other, as the kernels read them."""
    return values if values.stride(-1) == 1 else values.contiguous()


def _laid_as(values: Tensor, other: Tensor) -> Tensor:
    """With the strides of ``other``, of the same shape."""
    return (
        values
        if values.stride() == other.stride()
        else values.new_empty_strided(other.shape, other.stride()).copy_(values)
    )


def _bytes(mask: Tensor) -> Tensor:
    return mask.contiguous().view(torch.uint8)


def column_sums_cuda(
    query: Tensor, key: Tensor, query_mask: Tensor, key_mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Column sums (batch, head, key) and log-sum-exp (batch, head, query), float32.

    query and key are (batch, head, time, feature), in rows, masks (batch, time). The logarithm is
    to the base 2.
    """
    from mmser.models.fusion.ks_transformer import column_sums_triton as kernels

    launch = _Launch(query, key)
    logsumexp = query.new_empty(query.shape[:3], dtype=torch.float32)
    sums = query.new_empty(key.shape[:3], dtype=torch.float32)
    numbers = (*launch.counts, launch.factor, *launch.strides)
    kernels.row_logsumexp[launch.over_queries("logsumexp")](
        query, key, _bytes(key_mask), logsumexp, *numbers, **launch.options("logsumexp")
    )
    kernels.sum_over_queries[launch.over_keys("sums")](
        query, key, _bytes(query_mask), _bytes(key_mask), logsumexp, sums,
        *numbers, **launch.options("sums"),
    )  # fmt: skip
    return sums, logsumexp


def rank_keys(
    query: Tensor,
    key: Tensor,
    query_mask: Tensor,
    key_mask: Tensor,
    keep: float,
    shrink: float,
    count_padding: bool,
) -> Ranked:
    """Keep the keys whose column sum reaches ``shrink`` times the k-th largest.

    query and key are (batch, head, time, feature), in rows, masks (batch, time).
    """
    from mmser.models.fusion.ks_transformer import key_order_triton as kernels

    keys = key.shape[2]
    kept = query.new_empty(key.shape[:3], dtype=torch.bool)
    order = query.new_empty(key.shape[:3], dtype=torch.int32)
    extents = query.new_empty(*key.shape[:2], 2, dtype=torch.int32)
    listed = kept.view(torch.uint8), order, extents
    launch = _Launch(query, key)
    if ranks_in_one_pass(query.dtype, launch.width, launch.queries, keys):
        logsumexp = query.new_empty(query.shape[:3], dtype=torch.float32)
        sums = query.new_empty(key.shape[:3], dtype=torch.float32)
        kernels.rank_short[(launch.programs,)](
            query, key, _bytes(query_mask), _bytes(key_mask), logsumexp, sums, *listed,
            *launch.counts, launch.factor, keep, shrink, *launch.strides,
            COUNT_PADDING=count_padding, **launch.options_in_one_pass(),
        )  # fmt: skip
    else:
        sums, logsumexp = column_sums_cuda(query, key, query_mask, key_mask)
        chunk = CHUNKS[keys > CHUNKS[0]]
        kernels.list_keys[(launch.programs,)](
            sums, _bytes(key_mask), *listed, launch.heads, keys, keep, shrink,
            COUNT_PADDING=count_padding, CHUNK=chunk, num_warps=min(16, chunk // 256),
        )  # fmt: skip
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
        """Query and key (batch, head, time, feature), in rows, value (as key) -> as the query."""
        from mmser.models.fusion.ks_transformer.kept_attention_triton import attend

        launch, value = _Launch(query, key), _laid_as(value, key)
        seed = torch.randint(2**62, (1,), device=query.device) if dropout > 0 else None
        # Without the gaps that query has as a part of a joint projection.
        out = torch.empty_like(query)
        attend[launch.over_queries("attend")](
            query, key, value, logsumexp, order, extents, seed, out,
            *launch.counts, launch.factor, dropout, *launch.strides, *_strides(out),
            DROP=dropout > 0, **launch.options("attend"),
        )  # fmt: skip
        ctx.save_for_backward(query, key, value, out, logsumexp, order, extents, seed)
        ctx.dropout = dropout
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        """Of query, key and value."""
        from mmser.models.fusion.ks_transformer import kept_attention_triton as kernels

        query, key, value, out, logsumexp, order, extents, seed = ctx.saved_tensors
        launch, grad_out = _Launch(query, key), _laid_as(grad_out, out)
        delta = torch.empty_like(logsumexp)
        grad_query, grad_key = torch.empty_like(out), torch.empty_like(key)
        grad_value = torch.empty_like(grad_key)
        numbers = (
            *launch.counts, launch.factor, launch.scale, ctx.dropout, *launch.strides,
            *_strides(out),
        )  # fmt: skip
        # The first writes ``delta``, which the second reads.
        kernels.grad_query[launch.over_queries("grad_query")](
            query, key, value, out, grad_out, logsumexp, order, extents, seed, delta, grad_query,
            *numbers, DROP=ctx.dropout > 0, **launch.options("grad_query"),
        )  # fmt: skip
        kernels.grad_key[launch.over_keys("grad_key")](
            query, key, value, grad_out, logsumexp, delta, order, extents, seed,
            grad_key, grad_value, *numbers, *_strides(grad_key),
            DROP=ctx.dropout > 0, **launch.options("grad_key"),
        )  # fmt: skip
        return grad_query, grad_key, grad_value, None, None, None, None

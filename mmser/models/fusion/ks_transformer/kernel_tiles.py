"""Which attentions the CUDA kernels take, and the tiles they take them in.

The tiles are the fastest of those tried on an H200, at 32 x 8 heads of 512 steps and at 2 x 8 of
8,192; products of float32 are split into three of TF32 or six of bfloat16, whichever was faster:
both have float32's accuracy. Half precision has products of its own.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import Tensor

LARGEST_HEAD = 128
"""Features per head whose tiles fit on chip."""

LARGE_CHIP = 160 << 10
"""Bytes of shared memory that the larger tiles need."""

TF32, BF16 = "tf32x3", "bf16x6"


class Tile(NamedTuple):
    """Queries and keys that a program holds at once, its warps, its loads under way, and the split
    of float32.
    """

    queries: int
    keys: int
    warps: int
    stages: int
    precision: str = TF32


SINGLE = {
    "rank": Tile(64, 0, 4, 1),
    "logsumexp": Tile(128, 64, 8, 2),
    "sums": Tile(64, 128, 8, 3),
    "attend": Tile(64, 32, 4, 2, BF16),
    "grad_query": Tile(64, 32, 4, 2, BF16),
    "grad_key": Tile(32, 64, 4, 2, BF16),
}
SINGLE_WIDE = {
    "rank": Tile(64, 0, 4, 1),
    "logsumexp": Tile(64, 32, 4, 2),
    "sums": Tile(32, 64, 4, 2),
    "attend": Tile(64, 32, 4, 1, BF16),
    "grad_query": Tile(64, 32, 8, 1, BF16),
    "grad_key": Tile(32, 32, 4, 1),
}
HALF = {
    "rank": Tile(64, 0, 4, 2),
    "logsumexp": Tile(128, 64, 4, 3),
    "sums": Tile(128, 128, 4, 3),
    "attend": Tile(128, 64, 4, 3),
    "grad_query": Tile(128, 64, 8, 3),
    "grad_key": Tile(32, 128, 4, 2),
}
HALF_WIDE = {
    "rank": Tile(64, 0, 4, 2),
    "logsumexp": Tile(64, 64, 4, 3),
    "sums": Tile(64, 64, 4, 3),
    "attend": Tile(64, 64, 4, 2),
    "grad_query": Tile(64, 64, 4, 2),
    "grad_key": Tile(64, 64, 4, 2),
}
SMALL_CHIP = {
    "rank": Tile(32, 0, 4, 1),
    "logsumexp": Tile(64, 32, 4, 1),
    "sums": Tile(32, 64, 4, 1),
    "attend": Tile(64, 32, 4, 1, BF16),
    "grad_query": Tile(32, 32, 4, 1, BF16),
    "grad_key": Tile(32, 32, 4, 1, BF16),
}


@cache
def tile(kernel: str, dtype: torch.dtype, width: int, device: torch.device) -> Tile:
    """The tile of a kernel for heads of ``width`` features, a power of two."""
    if device.type == "cuda" and _shared_memory(device) < LARGE_CHIP:
        return SMALL_CHIP[kernel]
    if dtype == torch.float32:
        return (SINGLE if width <= 64 else SINGLE_WIDE)[kernel]
    return (HALF if width <= 64 else HALF_WIDE)[kernel]


def ranks_in_one_pass(dtype: torch.dtype, width: int, queries: int, keys: int) -> bool:
    """Whether a program holds a head's keys and the scores of a block of queries at once.

    It goes through all queries of its head alone, so there must not be too many of them.
    """
    largest = 8192 if dtype == torch.float32 else 16384
    return keys * max(width, 64) <= largest and queries <= 1024


def has_kernels(query: Tensor, key: Tensor) -> bool:
    """Whether the kernels take these: an NVIDIA GPU since Ampere, at most single precision."""
    return (
        query.is_cuda
        and query.dtype == key.dtype
        and query.dtype in (torch.float32, torch.float16, torch.bfloat16)
        and query.shape[-1] <= LARGEST_HEAD
        and _compiles(query.device)
    )


@cache
def _compiles(device: torch.device) -> bool:
    recent = torch.version.cuda is not None and torch.cuda.get_device_capability(device) >= (8, 0)
    return recent and find_spec("triton") is not None


@cache
def _shared_memory(device: torch.device) -> int:
    """Bytes that a program may take."""
    properties = torch.cuda.get_device_properties(device)
    return properties.shared_memory_per_block_optin  # type: ignore[attr-defined, no-any-return]

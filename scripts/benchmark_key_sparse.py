"""Key-sparse attention against the naive formulation and against plain attention: time and peak
memory.

    python scripts/benchmark_key_sparse.py --shapes 32x8x128 2x8x2048 --device cpu

Forward and backward, sides interleaved in one run; only the ratios are meant to be quoted. A shape
is batch x heads x length; all rows but the first are three quarters as long. Memory on the CPU is
the growth of the process's peak, taken in a fresh process per side and shape.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.models.fusion.ks_transformer.key_sparse import key_sparse_attention

Side = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Shape(NamedTuple):
    """Of the scores: batch, heads, and length of queries and keys alike."""

    batch: int
    heads: int
    length: int

    @classmethod
    def parse(cls, text: str) -> Shape:
        """As ``32x8x128``."""
        return cls(*(int(number) for number in text.split("x")))

    def __str__(self) -> str:
        return "x".join(map(str, self))


SHAPES = [Shape(32, 8, 128), Shape(32, 8, 512), Shape(2, 8, 2048), Shape(2, 8, 8192)]


def naive(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    query_mask: Tensor,
    key_mask: Tensor,
    keep: float = 0.5,
    kept: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The paper's formulation with the whole (query, key) matrix: output and column sums.

    ``kept`` (batch, head, key) are the keys to keep, if not those that it finds.
    """
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    weights = scores.masked_fill(~key_mask[:, None, None], -torch.inf).softmax(-1)
    sums = (weights * query_mask[:, None, :, None]).sum(2).detach()
    if kept is None:
        ranked = sums.masked_fill(~key_mask[:, None], -1)
        survivors = (key_mask.sum(1) * keep).floor().long().clamp(min=1)
        rank = (survivors - 1)[:, None, None].expand(-1, q.shape[1], 1)
        kept = ranked >= ranked.sort(-1, descending=True).values.gather(-1, rank)
    return (weights * kept[:, :, None]) @ v, sums


def paper(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """The naive formulation."""
    return naive(q, k, v, mask, mask)[0]


def plain(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Scaled dot-product attention that keeps every key."""
    return F.scaled_dot_product_attention(q, k, v, mask[:, None, None, :])


def sparse(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Ours."""
    return key_sparse_attention(q, k, v, mask, mask)[0]


SIDES: dict[str, Side] = {"key-sparse": sparse, "plain": plain, "naive": paper}


def inputs(
    shape: Shape, device: str, size: int, dtype: torch.dtype = torch.float32
) -> tuple[list[Tensor], Tensor]:
    """Query, key, value (batch, head, time, feature) and the mask (batch, time)."""
    batch, heads, length = shape
    rng = torch.Generator().manual_seed(length)
    tensors = [
        torch.randn(batch, heads, length, size, generator=rng).to(device, dtype).requires_grad_()
        for _ in range(3)
    ]
    lengths = torch.full((batch, 1), length * 3 // 4, device=device)
    lengths[0] = length
    return tensors, torch.arange(length, device=device) < lengths


def step(side: str, tensors: list[Tensor], mask: Tensor) -> float:
    """Seconds of one forward and backward pass."""
    if mask.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    out = SIDES[side](*tensors, mask)
    out.backward(out.detach())
    if mask.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def high_water() -> float:
    """Peak resident memory of this process in MiB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 2**10


def peak(side: str, shape: Shape, device: str, size: int, dtype: torch.dtype) -> float:
    """MiB that one pass adds to the peak memory of a fresh process."""
    tensors, mask = inputs(shape, device, size, dtype)
    if mask.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step(side, tensors, mask)
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    step(side, *inputs(Shape(2, 8, 16), device, size, dtype))
    before = high_water()
    step(side, tensors, mask)
    return high_water() - before


def peaks(
    sides: list[str], shape: Shape, device: str, size: int, dtype: torch.dtype
) -> list[float]:
    """On the CPU each side in a process of its own, as a process's peak only grows."""
    tasks = [(side, shape, device, size, dtype) for side in sides]
    if device != "cpu":
        return [peak(*task) for task in tasks]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.starmap(peak, tasks, chunksize=1)


def main() -> None:
    """Print one row per shape."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shapes", type=Shape.parse, nargs="+", default=SHAPES)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--size", type=int, default=64, help="features per head")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--naive-up-to", type=int, default=8192, help="lengths above skip the naive side (memory)"
    )
    options = parser.parse_args()
    dtype = DTYPES[options.dtype]
    print("     shape   ms ks  ks/plain  ks/naive   MiB ks  MiB plain  MiB naive")
    for shape in options.shapes:
        sides = [side for side in SIDES if side != "naive" or shape.length <= options.naive_up_to]
        tensors, mask = inputs(shape, options.device, options.size, dtype)
        rounds = [[step(side, tensors, mask) for side in sides] for _ in range(options.rounds + 1)][
            1:
        ]
        ratios = [
            statistics.median(row[0] / row[column] for row in rounds)
            for column in range(1, len(sides))
        ]
        memory = peaks(sides, shape, options.device, options.size, dtype)
        cells = (
            [f"{statistics.median(row[0] for row in rounds) * 1e3:6.2f}"]
            + [f"{r:8.2f}" for r in ratios]
            + ["       -"] * (2 - len(ratios))
            + [f"{m:9.1f}" for m in memory]
        )
        print(f"{shape!s:>10}  {'  '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()

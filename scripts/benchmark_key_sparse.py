"""Key-sparse attention against the naive formulation and against plain attention: time and peak
memory.

    python scripts/benchmark_key_sparse.py --lengths 128 512 2048 --device cpu

Forward and backward, sides interleaved in one run; only the ratios are meant to be quoted. Memory
on the CPU is the growth of the process's peak, taken in a fresh process per side and length.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.models.fusion.ks_transformer.key_sparse import key_sparse_attention

Side = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def naive(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """The paper's formulation with the whole (query, key) matrix."""
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    weights = scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(-1)
    sums = (weights * mask[:, None, :, None]).sum(2).detach().masked_fill(~mask[:, None], -1)
    rank = (mask.sum(1) // 2).clamp(min=1)[:, None, None].expand(-1, q.shape[1], 1) - 1
    kept = sums >= sums.sort(-1, descending=True).values.gather(-1, rank)
    return (weights * kept[:, :, None]) @ v


def plain(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Scaled dot-product attention that keeps every key."""
    return F.scaled_dot_product_attention(q, k, v, mask[:, None, None, :])


def sparse(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Ours."""
    return key_sparse_attention(q, k, v, mask, mask)[0]


SIDES: dict[str, Side] = {"key-sparse": sparse, "plain": plain, "naive": naive}


def inputs(length: int, device: str, size: int) -> tuple[list[Tensor], Tensor]:
    """Two utterances of eight heads; the second is three quarters as long."""
    rng = torch.Generator().manual_seed(length)
    tensors = [
        torch.randn(2, 8, length, size, generator=rng).to(device).requires_grad_() for _ in range(3)
    ]
    mask = (
        torch.arange(length, device=device)
        < torch.tensor([length, length * 3 // 4], device=device)[:, None]
    )
    return tensors, mask


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


def peak(side: str, length: int, device: str, size: int) -> float:
    """MiB that one pass adds to the peak memory of a fresh process."""
    tensors, mask = inputs(length, device, size)
    if mask.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step(side, tensors, mask)
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    step(side, *inputs(16, device, size))
    before = high_water()
    step(side, tensors, mask)
    return high_water() - before


def main() -> None:
    """Print one row per length."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--lengths", type=int, nargs="+", default=[128, 256, 512, 1024, 2048, 4096, 8192]
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", type=int, default=64, help="features per head")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--naive-up-to", type=int, default=8192, help="lengths above skip the naive side (memory)"
    )
    options = parser.parse_args()
    print("length  ks/plain  ks/naive   MiB ks  MiB plain  MiB naive")
    for length in options.lengths:
        sides = [side for side in SIDES if side != "naive" or length <= options.naive_up_to]
        tensors, mask = inputs(length, options.device, options.size)
        rounds = [[step(side, tensors, mask) for side in sides] for _ in range(options.rounds + 1)][
            1:
        ]
        ratios = [
            statistics.median(row[0] / row[column] for row in rounds)
            for column in range(1, len(sides))
        ]
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            memory = pool.starmap(
                peak, [(side, length, options.device, options.size) for side in sides], chunksize=1
            )
        cells = (
            [f"{r:8.2f}" for r in ratios]
            + ["       -"] * (2 - len(ratios))
            + [f"{m:9.1f}" for m in memory]
        )
        print(f"{length:6d}  {'  '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()

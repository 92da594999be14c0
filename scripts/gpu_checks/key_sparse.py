"""Key-sparse attention on the device: equal to the naive formulation, and how long it takes beside
it.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import torch
from benchmark_key_sparse import SIDES, inputs, step

LENGTHS = (512, 2048)
ROUNDS = 3
SIZE = 64
TOLERANCE = 1e-4


def benchmark(name: str, folder: Path, device: torch.device) -> str:
    """Ratios of times, forward and backward; ``name`` is the length."""
    tensors, mask = inputs(int(name), str(device), SIZE)
    with torch.no_grad():
        ours, naive = (SIDES[side](*tensors, mask) for side in ("key-sparse", "naive"))
    real = mask[:, None, :, None]
    difference = float((ours - naive).masked_fill(~real, 0.0).abs().max())
    if not difference <= TOLERANCE:
        raise AssertionError(f"differs by {difference:.1e} from the naive formulation")
    rounds = [{side: step(side, tensors, mask) for side in SIDES} for _ in range(ROUNDS + 1)][1:]
    ratios = {
        side: statistics.median(row["key-sparse"] / row[side] for row in rounds)
        for side in ("plain", "naive")
    }
    times = ", ".join(f"{ratio:.2f} of {side}'s time" for side, ratio in ratios.items())
    return f"{times}; difference {difference:.1e}"

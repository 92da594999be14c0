"""Key-sparse attention on the device: equal to the naive formulation in float64, with gradients,
and how long it takes beside it.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import NamedTuple

import torch
from benchmark_key_sparse import SHAPES, SIDES, Shape, inputs, naive, step
from torch import Tensor

from mmser.models.fusion.ks_transformer.key_sparse import key_sparse_attention

BENCHMARKS = {
    f"{shape} {kind}": (shape, dtype)
    for shape in SHAPES[1:3]
    for kind, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
}
ROUNDS = 5
SIZE = 64

TOLERANCES = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.float16: 5e-3,
    torch.bfloat16: 4e-2,
}
"""Largest error, as a share of the largest value."""

NEAR = 1e-3
"""Keys whose sum lies within this share of the threshold may go either way."""


class Case(NamedTuple):
    """Two utterances of two heads; the second utterance is shorter."""

    dtype: torch.dtype
    size: int
    queries: int
    keys: int
    keep: float = 0.5


CASES = {
    f"{str(case.dtype).removeprefix('torch.')} {case.size} {case.queries}x{case.keys}": case
    for case in (
        Case(torch.float64, 24, 37, 53),
        Case(torch.float32, 8, 70, 131),
        Case(torch.float32, 16, 128, 128, 0.3),
        Case(torch.float32, 20, 5, 3),
        Case(torch.float32, 64, 129, 64),
        Case(torch.float32, 64, 700, 1500),
        Case(torch.float32, 128, 300, 170),
        Case(torch.float32, 200, 40, 50),
        Case(torch.float16, 32, 33, 90, 0.8),
        Case(torch.bfloat16, 16, 70, 131),
        Case(torch.bfloat16, 64, 700, 1500),
        Case(torch.bfloat16, 128, 257, 300),
    )
}


def agreement(name: str, folder: Path, device: torch.device) -> str:
    """Output and gradients against the naive form in float64; ``name`` is a case's."""
    case = CASES[name]
    rng = torch.Generator().manual_seed(0)

    def draw(time: int) -> Tensor:
        # A part of (batch, time, part, head, feature) seen as (batch, head, time, feature), as a
        # layer with joint projections has it.
        made = torch.randn(2, time, 3, 2, case.size, generator=rng, dtype=torch.float64)
        return made.to(device, case.dtype)[:, :, 1].transpose(1, 2)

    ours = [draw(time).requires_grad_() for time in (case.queries, case.keys, case.keys)]
    exact = [tensor.detach().double().requires_grad_() for tensor in ours]
    query_mask, key_mask = (
        torch.arange(time, device=device)
        < torch.tensor([time, max(1, time // 3)], device=device)[:, None]
        for time in (case.queries, case.keys)
    )
    key_mask[0, min(1, case.keys - 2)] = False
    out, kept = key_sparse_attention(*ours, query_mask, key_mask, case.keep)
    expected, sums = naive(*exact, query_mask, key_mask, kept=kept)
    _check_kept(kept, sums, key_mask, case.keep)
    towards = draw(case.queries)
    out.backward(towards)
    expected.backward(towards.double())
    errors = [_error(out.detach(), expected.detach())]
    errors += [_error(mine.grad, other.grad) for mine, other in zip(ours, exact, strict=True)]
    if not max(errors) <= TOLERANCES[case.dtype]:
        raise AssertionError(f"errors of output and gradients: {_text(errors)}")
    return f"errors of output and gradients of query, key, value: {_text(errors)}"


def _check_kept(kept: Tensor, sums: Tensor, key_mask: Tensor, keep: float) -> None:
    """Apart from keys next to the threshold, the kept ones are those of the exact sums."""
    survivors = (key_mask.sum(1) * keep).floor().long().clamp(min=1)[:, None, None]
    ranked = sums.masked_fill(~key_mask[:, None], -1.0).sort(-1, descending=True).values
    threshold = ranked.gather(-1, (survivors - 1).expand(-1, sums.shape[1], 1))
    clear = ((sums - threshold).abs() > NEAR * threshold) & key_mask[:, None]
    if (kept & ~key_mask[:, None]).any() or ((kept != (sums >= threshold)) & clear).any():
        raise AssertionError("other keys are kept than the exact sums ask for")


def _error(found: Tensor | None, expected: Tensor | None) -> float:
    if found is None or expected is None:
        raise AssertionError("a gradient is missing")
    return float((found - expected).abs().max() / expected.abs().max())


def _text(errors: list[float]) -> str:
    return ", ".join(f"{error:.1e}" for error in errors)


def benchmark(name: str, folder: Path, device: torch.device) -> str:
    """Ratios of times, forward and backward; ``name`` is the shape and the type."""
    shape, dtype = BENCHMARKS[name]
    if device.type == "cpu":
        shape = Shape(2, 8, 128)
    tensors, mask = inputs(shape, str(device), SIZE, dtype)
    rounds = [{side: step(side, tensors, mask) for side in SIDES} for _ in range(ROUNDS + 1)][1:]
    ratios = {
        side: statistics.median(row["key-sparse"] / row[side] for row in rounds)
        for side in ("plain", "naive")
    }
    return ", ".join(f"{ratio:.2f} of {side}'s time" for side, ratio in ratios.items())

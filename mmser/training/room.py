"""How many folds have room on a GPU at the same time, judged by one that was trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch

CONTEXT = 700 * 2**20
"""Bytes of a card that a process takes before it holds a tensor: kernels, cuDNN, cuBLAS."""

SHARE = 0.85
"""Of the free memory: another fold's batches may be longer."""


@dataclass(frozen=True, slots=True)
class Room:
    """``folds`` like the one that was trained fit on its card, that one counted."""

    folds: int


def room_of(accelerator: str) -> Room | None:
    """Of the card that this process has trained on; None elsewhere."""
    if accelerator != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info()
    own = torch.cuda.memory_reserved() + CONTEXT
    return Room(folds_in(free + own, torch.cuda.max_memory_reserved()))


def folds_in(available: int, peak: int) -> int:
    """How many folds of ``peak`` bytes each fit into ``available`` bytes of a card; at least one.

    Every process takes `CONTEXT` beside its tensors.
    """
    return max(1, int(SHARE * available) // (peak + CONTEXT))


def free_memory(accelerator: str) -> None:
    """Give back what a trained fold held of the card."""
    if accelerator == "cuda":
        torch.cuda.empty_cache()

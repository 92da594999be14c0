"""Batches for the memory of a device: one that does not fit is computed in halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_halves(
    items: Sequence[Item], compute: Callable[[Sequence[Item]], Sequence[Result]]
) -> list[Result]:
    """``compute(items)``; where the device's memory is too small for them, half of them at a time.

    A single item that does not fit raises torch.OutOfMemoryError.
    """
    import torch

    try:
        return list(compute(items))
    except torch.OutOfMemoryError:
        if len(items) < 2:
            raise
    # Outside the handler: its traceback holds the tensors that did not fit.
    torch.cuda.empty_cache()
    middle = len(items) // 2
    return [*in_halves(items[:middle], compute), *in_halves(items[middle:], compute)]

"""Batches of similar length, and what to do when one of them makes an encoder fall over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from mmser.core.errors import MmserError

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH_SIZE = 16

BREAKDOWNS = (RuntimeError, ValueError, ArithmeticError, LookupError)
"""What an encoder raises at unusual input: torch's and NumPy's errors, an empty reduction, a missing key. Anything
else (a wrong type, a missing file, a mistake in code) stops the job."""


def by_length(
    items: Sequence[Item],
    length: Callable[[Item], int],
    compute: Callable[[Sequence[Item]], Sequence[Result]],
    failed: Callable[[Item, str], Result],
    batch_size: int = BATCH_SIZE,
) -> list[Result]:
    """``compute`` over batches of neighbouring length; the results in the order of ``items``.

    When a batch breaks down its items are computed one by one, and ``failed(item, detail)`` stands for those that
    break down alone.
    """
    order = sorted(range(len(items)), key=lambda row: (length(items[row]), row))
    results: dict[int, Result] = {}
    for at in range(0, len(order), batch_size):
        rows = order[at : at + batch_size]
        batch = [items[row] for row in rows]
        results.update(zip(rows, _guarded(batch, compute, failed), strict=True))
    return [results[row] for row in range(len(items))]


def _guarded(
    batch: Sequence[Item],
    compute: Callable[[Sequence[Item]], Sequence[Result]],
    failed: Callable[[Item, str], Result],
) -> Sequence[Result]:
    try:
        results = compute(batch)
    except BREAKDOWNS as error:
        if len(batch) == 1:
            return [failed(batch[0], f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")]
        return [result for item in batch for result in _guarded([item], compute, failed)]
    if len(results) != len(batch):
        found = f"{len(results)} for {len(batch)}"
        raise MmserError("one result per clip", found, "Mend the extractor: it must answer for every clip.")
    return results

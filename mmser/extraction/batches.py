"""Batches of similar length, side by side where that is faster.

Where an encoder fails on a batch, its clips are tried one by one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import TypeVar

from mmser.core.errors import MmserError

Item = TypeVar("Item")
Result = TypeVar("Result")

BATCH_SIZE = 16

BREAKDOWNS = (RuntimeError, ValueError, ArithmeticError, LookupError)
"""What an encoder raises at unusual input: torch's and NumPy's errors, an empty reduction, a
missing key. Anything else (a wrong type, a missing file, a mistake in code) stops the job."""


@contextmanager
def side_by_side(items: int, network: bool = True) -> Iterator[int]:
    """How many batches of ``items`` to compute at once, each with one thread of torch.

    On a CPU two batches of one thread each take less time than both in turn on two threads, much
    less when the machine is busy; the number is that of torch's threads (OMP_NUM_THREADS). A GPU is
    filled by one batch, and a single item gets all the threads: 1. Without a ``network`` torch is
    not loaded: it would cost more than a short job.
    """
    if not network:
        yield 1 if items < 2 else thread_count()
        return
    import torch

    threads = torch.get_num_threads()
    if threads == 1 or items < 2 or torch.cuda.is_available():
        yield 1
        return
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def size_of_batch(items: int) -> int:
    """How many of the ``items`` a network is given at a time.

    All of them where there is a GPU: it alone knows what fits beside its weights.
    """
    torch = sys.modules.get("torch")
    return max(items, BATCH_SIZE) if torch and torch.cuda.is_available() else BATCH_SIZE


def thread_count() -> int:
    """OMP_NUM_THREADS where it is set, else the cores that this process may use."""
    stated = os.environ.get("OMP_NUM_THREADS", "")
    if stated.isdecimal() and int(stated) > 0:
        return int(stated)
    return core_count()


def process_count(workers: int | str) -> int:
    """The option ``workers`` of `mmser preprocess` as a number; ``auto`` is one per core."""
    return core_count() if workers == "auto" else int(workers)


def core_count() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def by_length(
    items: Sequence[Item],
    length: Callable[[Item], int],
    compute: Callable[[Sequence[Item]], Sequence[Result]],
    failed: Callable[[Item, str], Result],
    batch_size: int = BATCH_SIZE,
    threads: int = 1,
) -> list[Result]:
    """``compute`` over batches of neighbouring length; the results in the order of ``items``.

    When a batch breaks down its items are computed one by one (a large batch is halved first), and
    ``failed(item, detail)`` stands for those that break down alone. With ``threads`` above 1,
    ``compute`` is called from that many threads at once, the longest batch first. The batches, and
    so the results, do not depend on it.
    """
    order = sorted(range(len(items)), key=lambda row: (length(items[row]), row))
    batches = [order[at : at + batch_size] for at in range(0, len(order), batch_size)]

    def computed(rows: list[int]) -> Sequence[Result]:
        return _guarded([items[row] for row in rows], compute, failed)

    if threads == 1 or len(batches) == 1:
        answers = [computed(rows) for rows in batches]
    else:
        with ThreadPoolExecutor(threads, thread_name_prefix="encode") as pool:
            answers = list(pool.map(computed, reversed(batches)))[::-1]
    results = dict(zip(order, chain.from_iterable(answers), strict=True))
    return [results[row] for row in range(len(items))]


def breakdown(error: Exception) -> str:
    """An encoder's error in one line."""
    reason = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {reason}"


def _guarded(
    batch: Sequence[Item],
    compute: Callable[[Sequence[Item]], Sequence[Result]],
    failed: Callable[[Item, str], Result],
) -> Sequence[Result]:
    try:
        results = compute(batch)
    except BREAKDOWNS as error:
        if len(batch) > 1:
            size = len(batch) // 2 if len(batch) > BATCH_SIZE else 1
            parts = [batch[at : at + size] for at in range(0, len(batch), size)]
            alone = [_guarded(part, compute, failed) for part in parts]
            return list(chain.from_iterable(alone))
        return [failed(batch[0], breakdown(error))]
    if len(results) != len(batch):
        found = f"{len(results)} for {len(batch)}"
        raise MmserError(
            "one result per clip", found, "Correct the extractor: it must answer for every clip."
        )
    return results

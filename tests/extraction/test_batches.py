"""Batches of similar length: their order, their threads, what one of them broken costs."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
import torch

from mmser.core.errors import MmserError
from mmser.extraction.batches import by_length, side_by_side


@pytest.mark.parametrize("threads", [1, 3])
def test_results_keep_the_order_and_the_broken_item_stands_alone(threads: int) -> None:
    items = [5, 3, 9, 1, 7, 4, 8, 2, 6]
    seen: list[list[int]] = []

    def compute(batch: Sequence[int]) -> list[str]:
        seen.append(list(batch))
        if 7 in batch:
            raise ValueError("seven")
        return [f"{item}" for item in batch]

    found = by_length(
        items, lambda item: item, compute, lambda item, why: f"{item} {why}", 3, threads
    )
    assert found == ["5", "3", "9", "1", "7 ValueError: seven", "4", "8", "2", "6"]
    assert sorted(seen) == [[1, 2, 3], [4, 5, 6], [7], [7, 8, 9], [8], [9]]


def test_a_large_batch_is_halved_until_the_broken_item_is_found() -> None:
    sizes: list[int] = []

    def compute(batch: Sequence[int]) -> list[int]:
        sizes.append(len(batch))
        if 5 in batch:
            raise ValueError("five")
        return list(batch)

    found = by_length(range(64), int, compute, lambda item, why: -1, batch_size=64)
    assert found == [-1 if item == 5 else item for item in range(64)]
    assert max(sizes) == 64 and sizes.count(32) == 2 and sizes.count(1) == 16


def test_batches_run_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=20)

    def compute(batch: Sequence[int]) -> Sequence[int]:
        together.wait()
        return batch

    assert by_length([2, 1], int, compute, lambda item, why: -1, batch_size=1, threads=2) == [2, 1]


def test_a_wrong_number_of_results_stops_the_job_from_a_thread_too() -> None:
    with pytest.raises(MmserError, match="expected one result per clip; found 0 for 1"):
        by_length([1, 2], int, lambda batch: [], lambda item, why: 0, batch_size=1, threads=2)


def test_torch_keeps_to_one_thread_inside_and_gets_its_own_back() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with side_by_side(2) as threads:
            expected = (1, 3) if torch.cuda.is_available() else (3, 1)
            assert (threads, torch.get_num_threads()) == expected
        with side_by_side(1) as threads:
            assert (threads, torch.get_num_threads()) == (1, 3)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)

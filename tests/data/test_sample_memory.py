"""Samples in memory: read once while there is room, and never more than the limit."""

from __future__ import annotations

import numpy as np

from mmser.data.sample import Sample, Track
from mmser.data.sample_memory import OBJECTS, SampleMemory


def read_into(calls: list[int], steps: int = 10):
    """A reader that notes the rows it is asked for; each sample holds 40 bytes a step."""

    def read(row: int) -> Sample:
        calls.append(row)
        track = Track(np.full((steps, 10), row, np.float32))
        return Sample(str(row), {"audio": track, "text": None}, {})

    return read


def test_a_row_is_read_once():
    calls: list[int] = []
    memory = SampleMemory(read_into(calls))
    samples = [memory(row) for row in (0, 1, 0, 1)]
    assert calls == [0, 1]
    assert samples[0] is samples[2]
    assert samples[3].id == "1"


def test_what_finds_no_room_is_read_anew():
    calls: list[int] = []
    # Two samples of 400 bytes, and the objects that hold them.
    memory = SampleMemory(read_into(calls), limit=2 * (400 + OBJECTS))
    for _ in range(2):
        assert [memory(row).id for row in range(3)] == ["0", "1", "2"]
    assert calls == [0, 1, 2, 2]


def test_a_view_counts_what_it_keeps_alive():
    whole = np.zeros((100, 10), np.float32)
    calls: list[int] = []

    def read(row: int) -> Sample:
        calls.append(row)
        return Sample(str(row), {"audio": Track(whole[:1])}, {})

    memory = SampleMemory(read, limit=1000 + OBJECTS)
    memory(0)
    memory(0)
    assert calls == [0, 0]

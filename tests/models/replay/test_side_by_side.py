"""Works beside each other: in order without a GPU, each on its stream while a graph is recorded."""

from contextlib import contextmanager
from functools import partial

import pytest
import torch

from mmser.models.layers.masks.derived import once, one_pass
from mmser.models.replay.side_by_side import recording, side_by_side


class FakeStream:
    def __init__(self, name: str, said: list[str]) -> None:
        self.name, self.said = name, said

    def wait_stream(self, other: "FakeStream") -> None:
        self.said.append(f"{self.name} waits for {other.name}")


def test_in_order() -> None:
    done: list[int] = []
    assert side_by_side([partial(done.append, number) for number in range(3)]) == [None] * 3
    assert done == [0, 1, 2]


def test_streams_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing that one has remembered is found by the other."""
    said: list[str] = []
    made = iter(["b", "c"])

    @contextmanager
    def on(stream: FakeStream):
        said.append(f"on {stream.name}")
        yield

    monkeypatch.setattr(torch.cuda, "current_stream", lambda: FakeStream("a", said))
    monkeypatch.setattr(torch.cuda, "Stream", lambda: FakeStream(next(made), said))
    monkeypatch.setattr(torch.cuda, "stream", on)
    mask, asked = torch.ones(2), []

    def work() -> int:
        return once(lambda_of_mask, mask)

    def lambda_of_mask(given: torch.Tensor) -> int:
        asked.append(given)
        return len(asked)

    with one_pass(), recording():
        assert side_by_side([work, work, work]) == [1, 2, 3]
    assert said == [
        "b waits for a",
        "c waits for a",
        "on a",
        "on b",
        "on c",
        "a waits for b",
        "a waits for c",
    ]

"""How products of float32 are rounded, which is a switch of the whole process; no GPU is needed."""

from __future__ import annotations

import threading

import pytest
import torch

from mmser.extractors.networks.devices import Precision, arithmetic


def switches() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_threads_side_by_side_each_have_their_own_arithmetic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    before = switches()
    wrong: list[Precision] = []
    barrier = threading.Barrier(3, timeout=20)

    def compute(precision: Precision) -> None:
        barrier.wait()
        for _ in range(200):
            with arithmetic(precision):
                for _ in range(5):
                    if switches() != (precision == "tf32",) * 2:
                        wrong.append(precision)
                    threading.Event().wait(1e-5)

    wanted: tuple[Precision, ...] = ("float32", "tf32", "bfloat16")
    threads = [threading.Thread(target=compute, args=(precision,)) for precision in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong and not any(thread.is_alive() for thread in threads)
    assert switches() == before


def test_an_error_leaves_the_switches_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    before = switches()
    with pytest.raises(ValueError, match="broken"), arithmetic("tf32"):
        assert switches() == (True, True)
        raise ValueError("broken")
    assert switches() == before

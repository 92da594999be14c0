"""A model whose outputs are given, and batches made of targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from mmser.core.batch import Batch, Outputs, empty_context
from mmser.core.task import Task


class GivenModel:
    """Returns the given outputs and counts how often it was asked."""

    def __init__(self, **outputs: Any) -> None:
        rows = next(value for value in outputs.values() if isinstance(value, Tensor)).shape[0]
        self.outputs = Outputs(**{"vector": torch.zeros(rows, 2), **outputs})
        self.calls = 0
        self.vector_size = self.outputs.vector.shape[1]

    def __call__(
        self, streams: Mapping[str, Any], context: Any, need_attention: bool = False
    ) -> Outputs:
        self.calls += 1
        return self.outputs


@pytest.fixture
def given() -> Callable[..., GivenModel]:
    return GivenModel


@pytest.fixture
def batch() -> Callable[..., Batch]:
    """``batch(emotion=..., values=...)``"""

    def make(**targets: Tensor) -> Batch:
        rows = len(next(iter(targets.values())))
        return Batch(tuple(f"u{i}" for i in range(rows)), {}, empty_context(rows), targets)

    return make


@pytest.fixture
def task() -> Task:
    return Task(
        classes=("angry", "happy", "sad"),
        values=("valence", "arousal", "dominance"),
        class_counts=(10, 30, 60),
        speakers=("a", "b"),
        genders=("F", "M"),
        corpora=("one",),
    )

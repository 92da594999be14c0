"""Outputs as a model would give them, and batches made of targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from mmser.core.batch import Batch, Outputs, empty_context
from mmser.core.task import Task


def outputs_of(**answers: Any) -> Outputs:
    """Outputs of these answers, with a vector of zeros where none is given."""
    rows = next(value for value in answers.values() if isinstance(value, Tensor)).shape[0]
    return Outputs(**{"vector": torch.zeros(rows, 2), **answers})


@pytest.fixture
def given() -> Callable[..., Outputs]:
    """``given(logits=..., vector=...)``"""
    return outputs_of


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

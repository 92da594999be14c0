"""The regression head answers values alone."""

import pytest
import torch

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.heads.regression import Regression

VECTOR = torch.randn(3, 6)


def test_regression() -> None:
    logits, values = Regression(
        6, Task(values=("valence", "arousal")), hidden_sizes=[4], bounded=True
    )(VECTOR * 1000)
    assert logits is None
    assert values is not None and values.shape == (3, 2) and values.abs().max() <= 1
    with pytest.raises(MmserError, match="the classes a, b only"):
        Regression(6, Task(("a", "b")))

"""Weights that hold NaN or an infinity are refused, whichever library holds them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmser.core.errors import MmserError
from mmser.core.finite import check_finite


@pytest.mark.parametrize(
    "tensor", [torch.tensor([1.0, float("nan")]), np.array([float("inf")]), torch.tensor(-1e400)]
)
def test_the_first_damaged_tensor_is_named_and_all_are_counted(tensor: object) -> None:
    tensors = {"sound": torch.ones(2), "steps": torch.tensor(3), "bias": tensor}
    with pytest.raises(MmserError, match=r"in the\.file.*in bias \(1 of 3 tensors\)"):
        check_finite(tensors, "the.file")


def test_whole_numbers_and_finite_weights_pass() -> None:
    check_finite({"a": torch.ones(2), "b": torch.tensor([1]), "c": np.ones(2)}, "the.file")

"""TFN by hand."""

from __future__ import annotations

import pytest
import torch
from makers.fusion_streams import ONE_STEP_SIZES, extended, one_step_streams

from mmser.core.batch import empty_context
from mmser.core.errors import MmserError
from mmser.models.fusion.tfn import TFN


def test_tensor_holds_every_product() -> None:
    given = one_step_streams()
    tensor = TFN(ONE_STEP_SIZES).tensor(given).unflatten(1, (3, 4, 5))
    for row in range(2):
        a, t, f = extended(given, row)
        torch.testing.assert_close(
            tensor[row], a[:, None, None] * t[None, :, None] * f[None, None, :]
        )
    torch.testing.assert_close(tensor[0, 1:, 0, 0], given["audio"].values[0, 0])
    assert tensor[1, :, 1:].eq(0).all() and tensor[1, 1:, 0, 1:].ne(0).all()


def test_tfn_reads_the_tensor_through_two_layers() -> None:
    made, given = TFN(ONE_STEP_SIZES, size=6).eval(), one_step_streams()
    _, first, _, _, second, _ = made.inference
    expected = second(first(made.tensor(given)).relu()).relu()
    torch.testing.assert_close(made(given, empty_context(2)).vector, expected)


def test_tfn_refuses_a_tensor_beyond_memory() -> None:
    with pytest.raises(
        MmserError, match=r"at most 1048576 entries; found 16974593 from sizes a 256, b 256, c 256"
    ):
        TFN({"a": 256, "b": 256, "c": 256})

"""Rows one after another, padded and packed again."""

from __future__ import annotations

import numpy as np
import torch

from mmser.extractors.networks.packing import Packing
from mmser.extractors.networks.time_statistics import statistics_of_rows, time_statistics

CPU = torch.device("cpu")


def test_padding_and_packing_undo_each_other() -> None:
    values = torch.arange(12.0).reshape(6, 2)
    packing = Packing([3, 1, 2], CPU)
    padded = packing.padded(values)
    assert padded.shape == (3, 3, 2)
    torch.testing.assert_close(padded[1, 0], values[3])
    torch.testing.assert_close(padded[2, :2], values[4:])
    torch.testing.assert_close(packing.packed(padded), values)
    hidden = packing.hidden_keys
    assert hidden is not None and hidden.shape == (3, 1, 1, 3)
    assert (hidden[:, 0, 0] == 0).sum(dim=1).tolist() == [3, 1, 2]


def test_rows_of_one_length_need_no_mask() -> None:
    assert Packing([2, 2], CPU).hidden_keys is None
    assert Packing([5], CPU).hidden_keys is None


def test_rows_stand_apart_with_zeros_between_them() -> None:
    values = torch.ones(3, 1)
    wide, places = Packing([2, 1], CPU).apart(values, gap=2)
    assert wide[:, 0].tolist() == [1, 1, 0, 0, 1]
    assert places.tolist() == [0, 1, 4]


def test_statistics_of_packed_rows_are_those_of_each() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(9, 3, 4, generator=generator)
    counts = [5, 1, 3]
    found = statistics_of_rows(values, Packing(counts, CPU)).numpy()
    for row, part in zip(found, np.split(values.numpy(), [5, 6]), strict=True):
        np.testing.assert_allclose(row, time_statistics(part, 1.0).values[0], atol=1e-6)

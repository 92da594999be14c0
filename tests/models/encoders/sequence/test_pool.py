"""Pooling to one step."""

import pytest
import torch

from mmser.core.batch import Stream
from mmser.models.encoders.sequence.pool import Pool

STREAM = Stream(
    torch.tensor([[[1.0, 2.0], [3.0, 6.0]], [[float("nan")] * 2] * 2]),
    torch.tensor([[True, True], [False, False]]),
)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("mean", [2.0, 4.0]), ("max", [3.0, 6.0]), ("statistics", [2.0, 4.0, 1.0, 2.0])],
)
def test_pool_keeps_absence(pooling: str, expected: list[float]) -> None:
    out = Pool(2, pooling=pooling)(STREAM)
    torch.testing.assert_close(out.values, torch.tensor([[expected], [[0.0] * len(expected)]]))
    assert out.mask.tolist() == [[True], [False]]


def test_attention_pool_lies_between_its_steps() -> None:
    out = Pool(2, pooling="attention")(STREAM).values
    assert 1.0 < out[0, 0, 0] < 3.0 and out[1].eq(0).all()


def test_attentive_statistics_keep_absence() -> None:
    torch.manual_seed(0)
    pool = Pool(2, pooling="attentive_statistics")
    out = pool(STREAM)
    assert out.values.shape == (2, 1, pool.output_size) == (2, 1, 4)
    assert 1.0 < out.values[0, 0, 0] < 3.0 and out.values[1].eq(0).all()
    assert (
        0.0 < out.values[0, 0, 2] <= 1.0
    )  # the deviation of two steps is highest at equal weights
    assert out.mask.tolist() == [[True], [False]]

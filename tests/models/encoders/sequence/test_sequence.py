"""The generic encoders: input dropout, projection, pooling to one step."""

import pytest
import torch

from mmser.core.batch import Stream
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.encoders.sequence.pool import Pool
from mmser.models.encoders.sequence.projection import Projection
from mmser.models.encoders.sequence.recurrent import RecurrentEncoder

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


def test_identity_and_projection_zero_the_padding() -> None:
    assert Identity(2)(STREAM).values[1].eq(0).all()
    projection = Projection(2, 3, activation_name="relu")
    out = projection(STREAM).values
    assert out[1].eq(0).all()
    torch.testing.assert_close(out[0], projection.layers[0](STREAM.values[0]).relu())


def test_input_dropout_acts_in_training_only() -> None:
    encoder = RecurrentEncoder(2, 3, input_dropout=0.5)
    assert not torch.equal(encoder(STREAM).values, encoder(STREAM).values)
    encoder.eval()
    assert torch.equal(encoder(STREAM).values, encoder(STREAM).values)


def test_last_state_of_one_direction_is_its_last_output() -> None:
    encoder = RecurrentEncoder(2, 3, cell="lstm", bidirectional=False, orthogonal_start=True)
    recurred = encoder.recurrence(STREAM.values, STREAM.mask)
    torch.testing.assert_close(recurred.final[0], recurred.outputs[0, 1])

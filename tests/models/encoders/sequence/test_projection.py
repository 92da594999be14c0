"""Identity and projection keep padding at zero."""

import torch

from mmser.core.batch import Stream
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.encoders.sequence.projection import Projection

STREAM = Stream(
    torch.tensor([[[1.0, 2.0], [3.0, 6.0]], [[float("nan")] * 2] * 2]),
    torch.tensor([[True, True], [False, False]]),
)


def test_identity_and_projection_zero_the_padding() -> None:
    assert Identity(2)(STREAM).values[1].eq(0).all()
    projection = Projection(2, 3, activation_name="relu")
    out = projection(STREAM).values
    assert out[1].eq(0).all()
    torch.testing.assert_close(out[0], projection.layers[0](STREAM.values[0]).relu())

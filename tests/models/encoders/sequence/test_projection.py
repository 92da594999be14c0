"""Identity and projection keep padding at zero."""

import torch
from torch.nn import functional as F

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


def test_an_utterance_is_normalised_over_all_its_real_values() -> None:
    """As EmoBox stores its features: a layer norm over time and features together."""
    values = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0)) * 3 + 7
    mask = torch.arange(6) < torch.tensor([[6], [2]])
    projection = Projection(4, 3, utterance_norm=True)
    out = projection(Stream(values.masked_fill(~mask[..., None], torch.nan), mask)).values
    for row, length in enumerate((6, 2)):
        normed = F.layer_norm(values[row, :length], (length, 4))
        torch.testing.assert_close(out[row, :length], projection.layers[0](normed))
        assert out[row, length:].eq(0).all()

"""Concatenation by hand: what an absent modality contributes."""

import pytest
import torch
from makers.fusion_streams import plain_streams

from mmser.core.batch import empty_context
from mmser.models.fusion.concat import Concat


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("mean", [[2.0, 7.0, 7.0], [5.0, 0.0, 0.0]]),
        ("max", [[3.0, 7.0, 7.0], [5.0, 0.0, 0.0]]),
        ("last", [[3.0, 7.0, 7.0], [5.0, 0.0, 0.0]]),
        ("statistics", [[2.0, 1.0, 7.0, 7.0, 0.0, 0.0], [5.0, 0.0, 0.0, 0.0, 0.0, 0.0]]),
    ],
)
def test_concat_by_hand(pooling: str, expected: list[list[float]]) -> None:
    fusion = Concat({"audio": 1, "text": 2}, pooling=pooling)
    vector = fusion(plain_streams(), empty_context(2)).vector
    assert vector.shape[1] == fusion.output_size
    torch.testing.assert_close(vector, torch.tensor(expected), atol=2e-4, rtol=0)


def test_attentive_statistics_tell_their_weights_when_asked() -> None:
    torch.manual_seed(0)
    fusion = Concat({"audio": 1, "text": 2}, pooling="attentive_statistics")
    streams = plain_streams()
    silent = fusion(streams, empty_context(2))
    telling = fusion(streams, empty_context(2), need_attention=True)
    assert fusion.output_size == silent.vector.shape[1] == 6
    assert silent.attention == {} and set(telling.attention) == {"audio", "text"}
    assert silent.vector[1, 2:].eq(0).all()  # the second row has no text
    expected = streams["audio"].mask.any(dim=1).float()
    torch.testing.assert_close(telling.attention["audio"].sum(dim=1), expected)

"""Concatenation by hand: what an absent modality contributes."""

import pytest
import torch

from mmser.core.batch import Stream, empty_context
from mmser.models.fusion.concat import Concat


def streams() -> dict[str, Stream]:
    audio = torch.tensor([[[1.0], [3.0]], [[5.0], [float("nan")]]])
    text = torch.full((2, 1, 2), float("nan"))
    text[0] = 7.0
    return {
        "audio": Stream(audio, torch.tensor([[True, True], [True, False]])),
        "text": Stream(text, torch.tensor([[True], [False]])),
    }


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
    vector = fusion(streams(), empty_context(2)).vector
    assert vector.shape[1] == fusion.output_size
    torch.testing.assert_close(vector, torch.tensor(expected), atol=2e-4, rtol=0)

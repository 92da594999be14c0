"""Gates by hand: what they see, and what an absent modality contributes."""

import torch

from mmser.core.batch import Stream, empty_context
from mmser.models.fusion.gated import Gated


def streams() -> dict[str, Stream]:
    audio = torch.tensor([[[1.0], [3.0]], [[5.0], [float("nan")]]])
    text = torch.full((2, 1, 2), float("nan"))
    text[0] = 7.0
    return {
        "audio": Stream(audio, torch.tensor([[True, True], [True, False]])),
        "text": Stream(text, torch.tensor([[True], [False]])),
    }


def test_gates_sum_to_one_over_what_is_there() -> None:
    fusion = Gated({"audio": 1, "text": 2}, size=4)
    out = fusion(streams(), empty_context(2), need_attention=True)
    gates = out.attention["gate"]
    torch.testing.assert_close(gates.sum(dim=1), torch.ones(2))
    assert gates[1].tolist() == [1.0, 0.0]
    audio_alone = fusion.projections["audio"](torch.tensor([[5.0]])).tanh()
    torch.testing.assert_close(out.vector[1:], audio_alone)


def test_one_stream_needs_no_gate() -> None:
    fusion = Gated({"audio": 1}, size=4)
    assert fusion.gate is None
    expected = fusion.projections["audio"](torch.tensor([[2.0], [5.0]])).tanh()
    torch.testing.assert_close(
        fusion({"audio": streams()["audio"]}, empty_context(2)).vector, expected
    )

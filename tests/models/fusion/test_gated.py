"""Gates by hand: what they see, and what an absent modality contributes."""

import torch
from makers.fusion_streams import plain_streams

from mmser.core.batch import empty_context
from mmser.models.fusion.gated import Gated


def test_gates_sum_to_one_over_what_is_there() -> None:
    fusion = Gated({"audio": 1, "text": 2}, size=4)
    out = fusion(plain_streams(), empty_context(2), need_attention=True)
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
        fusion({"audio": plain_streams()["audio"]}, empty_context(2)).vector, expected
    )

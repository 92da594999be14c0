"""The acceptance checks of HNSD."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.extractors.spectral.mel import differences
from mmser.models.encoders.audio.hnsd import HNSD
from mmser.models.fusion.concat import Concat
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model

SMALL = {"hidden_size": 8, "size": 6, "attention_size": 4}


def system(columns: int = 78, dropout: float = 0.5, **encoder: object) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: HNSD(input_size, **encoder)},
        Concat,
        lambda input_size, task: Classifier(
            input_size, task, hidden_sizes=[128], dropout=dropout, input_dropout=0.0
        ),
        {"audio": columns},
        Task(classes=("a", "b", "c", "d")),
    )


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize(
    ("gate", "expected"), [("scalar", 2_864_804), ("vector", 2_864_804 + 523_264)]
)
def test_parameter_count_is_exact(gate: str, expected: int) -> None:
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in system(gate=gate).parameters()) == expected


def test_slopes_of_a_ramp_and_of_a_constant() -> None:
    ramp = torch.arange(20.0)[:, None].numpy() * 3
    slope = differences(ramp, 2)
    assert slope[2:-2] == pytest.approx(3, abs=1e-6)
    assert differences(slope, 2)[4:-4] == pytest.approx(0, abs=1e-6)
    assert differences(ramp * 0 + 5, 2) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("time", [1, 7, 750])
def test_shapes(time: int) -> None:
    out = HNSD(78, **SMALL)(full(torch.randn(2, time, 78)))
    assert out.values.shape == (2, 1, 6) and out.values.isfinite().all()


def test_static_columns_come_first() -> None:
    encoder = HNSD(78)
    assert [part.forwards[0].input_size for part in encoder.recurrences] == [26, 52]


def test_gate_limits_and_convexity() -> None:
    torch.manual_seed(0)
    encoder = HNSD(12, **SMALL)
    states = [torch.randn(2, 5, 8), torch.randn(2, 5, 8)]
    states[0][..., 0] = 1.0  # a constant direction for the gate to read
    static, dynamic = (
        torch.tanh(part(state)) for part, state in zip(encoder.projections, states, strict=True)
    )
    fused, share = encoder.fused(states)
    assert share.shape == (2, 5, 1)
    assert (fused >= torch.minimum(static, dynamic) - 1e-6).all()
    assert (fused <= torch.maximum(static, dynamic) + 1e-6).all()
    for weight, expected in ((40.0, static), (-40.0, dynamic)):
        torch.nn.init.zeros_(encoder.gate.weight)
        with torch.no_grad():
            encoder.gate.weight[0, 0] = weight
        assert (encoder.fused(states)[0] - expected).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("gate", "size"), [("scalar", 6), ("vector", 6), ("static_only", 6), ("concat", 12)]
)
def test_ablations(gate: str, size: int) -> None:
    stream = full(torch.randn(2, 5, 12))
    encoder = HNSD(12, gate=gate, **SMALL)
    assert encoder(stream).values.shape == (2, 1, size)
    other = stream.values.clone()
    other[..., 4:] += 1.0
    changed = not torch.allclose(encoder(full(other)).values, encoder(stream).values)
    assert changed == (gate != "static_only")


def test_an_unknown_gate_is_an_error() -> None:
    with pytest.raises(MmserError, match="static_only or concat; found 'sum'"):
        HNSD(12, gate="sum")


def test_padding_to_the_maximum_changes_nothing() -> None:
    model = system(12, **SMALL).eval()
    values = torch.randn(1, 20, 12)
    alone = model({"audio": full(values)}, empty_context(1)).logits
    padded = torch.cat([values, torch.full((1, 730, 12), float("nan"))], dim=1)
    found = model({"audio": Stream(padded, torch.arange(750)[None] < 20)}, empty_context(1)).logits
    assert (found - alone).abs().max() < 1e-5
    _, weights = model.encoders["audio"].attention(padded[..., :6], torch.arange(750)[None] < 20)
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0))
    assert weights[0, 20:].eq(0).all()


def test_overfits_sixteen_clips() -> None:
    model = system(12, dropout=0.0, hidden_size=32, size=32)
    stream, target = full(torch.randn(16, 6, 12)), torch.arange(16) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(200):
        logits = model({"audio": stream}, empty_context(16)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 200 steps")

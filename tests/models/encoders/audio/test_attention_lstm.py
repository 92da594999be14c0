"""The acceptance checks of the attention LSTM; the names of its 93 columns are tested among the
extractors.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.attention_lstm import AttentionGateLSTM, AttentionLSTM
from mmser.models.fusion.concat import Concat
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model

SMALL = {"sizes": (7, 5)}


def system(
    classes: int = 6, size: int = 93, dropout: float = 0.5, **encoder: object
) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: AttentionLSTM(input_size, **encoder)},
        Concat,
        lambda input_size, task: Classifier(
            input_size, task, hidden_sizes=[128], dropout=dropout, input_dropout=0.0
        ),
        {"audio": size},
        Task(classes=tuple(map(str, range(classes)))),
    )


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize(
    ("peephole", "forget", "attend", "expected"),
    [
        ("none", "gate", "last", 2_062_214),
        ("none", "attention", "last", 2_210_438),
        ("none", "gate", "both", 2_291_590),
        ("none", "attention", "both", 2_439_814),
        ("full", "gate", "last", 3_045_254),
        ("full", "attention", "last", 2_865_798),
        ("full", "gate", "both", 3_274_630),
        ("full", "attention", "both", 3_095_174),
    ],
)
def test_parameter_table_is_exact(peephole: str, forget: str, attend: str, expected: int) -> None:
    for classes, more in ((6, 0), (7, 129), (12, 774)):
        with torch.device("meta"):
            model = system(classes, peephole=peephole, forget=forget, attend=attend)
        assert sum(parameter.numel() for parameter in model.parameters()) == expected + more


def test_standard_mode_is_torchs_lstm() -> None:
    torch.manual_seed(0)
    own, theirs = AttentionGateLSTM(5, 7, forget="gate"), nn.LSTM(5, 7, batch_first=True)
    theirs.load_state_dict(
        {
            "weight_ih_l0": own.inner.weight,
            "weight_hh_l0": own.recurrent.weight,
            "bias_ih_l0": own.inner.bias,
            "bias_hh_l0": torch.zeros(28),
        }
    )
    values = torch.randn(3, 11, 5)
    assert (own(values, torch.ones(3, 11, dtype=torch.bool)) - theirs(values)[0]).abs().max() < 1e-6


def test_attention_gate_reads_the_cell_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer = AttentionGateLSTM(5, 7)
    gates: list[Tensor] = []
    original = layer.attention_gate
    monkeypatch.setattr(
        layer, "attention_gate", lambda cell: gates.append(original(cell)) or gates[-1]
    )
    step = torch.randn(2, 21, requires_grad=True)
    hidden, cell = torch.randn(2, 7, requires_grad=True), torch.randn(2, 7, requires_grad=True)
    layer._step(step, (hidden, cell))
    found = torch.autograd.grad(gates[0].sum(), (step, hidden, cell), allow_unused=True)
    assert found[0] is None and found[1] is None and found[2].abs().max() > 0
    assert gates[0].min() > 0 and gates[0].max() < 1
    layer(torch.randn(2, 1, 5), torch.ones(2, 1, dtype=torch.bool))
    assert gates[1].eq(0.5).all()


def test_without_scores_the_cell_leaks_by_half() -> None:
    layer = AttentionGateLSTM(5, 7)
    nn.init.zeros_(layer.scored.weight)
    cell = torch.randn(2, 7)
    projected, hidden = torch.randn(2, 21), torch.randn(2, 7)
    enter, candidate, _ = (projected + layer.recurrent(hidden)).chunk(3, dim=1)
    _, after = layer._step(projected, (hidden, cell))
    torch.testing.assert_close(after, 0.5 * cell + torch.sigmoid(enter) * torch.tanh(candidate))


def test_full_peepholes_by_hand() -> None:
    torch.manual_seed(0)
    layer = AttentionGateLSTM(5, 4, forget="gate", peephole="full")
    projected, hidden, cell = torch.randn(2, 16), torch.randn(2, 4), torch.randn(2, 4)
    i, f, g, o = (projected + layer.recurrent(hidden)).chunk(4, dim=1)
    peep_i, peep_f = layer.before(cell).chunk(2, dim=1)
    expected = torch.sigmoid(f + peep_f) * cell + torch.sigmoid(i + peep_i) * torch.tanh(g)
    found, after = layer._step(projected, (hidden, cell))
    torch.testing.assert_close(after, expected)
    torch.testing.assert_close(
        found, torch.sigmoid(o + layer.after(expected)) * torch.tanh(expected)
    )


def test_time_weights() -> None:
    encoder = AttentionLSTM(5, **SMALL)
    outputs = torch.randn(2, 6, 5)
    mask = torch.arange(6) < torch.tensor([6, 1])[:, None]
    weights = encoder.time_weights(outputs[torch.arange(2), torch.tensor([5, 0])], outputs, mask)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    pooled = encoder.pooled(outputs.masked_fill(~mask[..., None], 0.0), mask)
    torch.testing.assert_close(pooled[1, :5], outputs[1, 0])  # one frame: the last output itself


def test_pooling_does_not_know_the_order_of_earlier_frames() -> None:
    encoder = AttentionLSTM(5, **SMALL)
    outputs, mask = torch.randn(1, 6, 5), torch.ones(1, 6, dtype=torch.bool)
    shuffled = outputs[:, [3, 1, 4, 0, 2, 5]]
    torch.testing.assert_close(encoder.pooled(shuffled, mask), encoder.pooled(outputs, mask))


@pytest.mark.parametrize("attend", ["last", "time", "feature", "both"])
def test_padding_changes_nothing(attend: str) -> None:
    encoder = AttentionLSTM(5, attend=attend, **SMALL)
    values = torch.randn(1, 9, 5)
    padded = torch.cat([values, torch.full((1, 4, 5), float("nan"))], dim=1)
    found = encoder(Stream(padded, torch.arange(13)[None] < 9)).values
    assert (found - encoder(full(values)).values).abs().max() < 1e-5


def test_unknown_choices_are_an_error() -> None:
    with pytest.raises(MmserError, match="peephole to be one of none, full; found 'half'"):
        AttentionLSTM(5, peephole="half")


def test_overfits() -> None:
    model = system(4, 5, dropout=0.0, sizes=(16, 12))
    stream, target = full(torch.randn(16, 5, 5)), torch.arange(16) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(150):
        logits = model({"audio": stream}, empty_context(16)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 150 steps")

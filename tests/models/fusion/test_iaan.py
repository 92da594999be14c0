"""The acceptance checks of IAAN with AR-GRU."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Context, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.ar_gru import ARGRUEncoder
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.fusion.iaan import IAAN
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model

SMALL = {"hidden_size": 6, "attention_size": 4, "output_size": 8}
TRIPLE = Context(torch.zeros(3, dtype=torch.long), torch.arange(3), torch.tensor([0, 1, 0]))
"""Row 2 is the current turn: row 1 the interlocutor's previous one, row 0 the own."""


def system(size: int = 45, **fusion: object) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": Identity},
        lambda input_sizes: IAAN(input_sizes, **fusion),
        Classifier,
        {"audio": size},
        Task(classes=("a", "b", "c", "d")),
    ).eval()


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


def logits(model: MultimodalModel, stream: Stream, context: Context) -> Tensor:
    found = model({"audio": stream}, context).logits
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 3_615_276),
        ({"activation": "tanh"}, 3_615_268),
        ({"activation": "tanh", "bidirectional": False}, 2_715_684),
    ],
)
def test_parameter_count_is_exact(options: dict[str, object], expected: int) -> None:
    with torch.device("meta"):
        model = system(**options)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


@pytest.mark.parametrize("frames", [1, 2500])
def test_shapes(frames: int) -> None:
    model = system(4, activation="tanh" if frames > 1 else "arelu", **SMALL)
    assert logits(model, full(torch.randn(3, frames, 4)), TRIPLE).shape == (3, 4)


def test_context_counts_and_who_said_it_counts() -> None:
    model, values = system(4, **SMALL), torch.randn(3, 10, 4)
    found = logits(model, full(values), TRIPLE)[2]
    assert not torch.allclose(found, logits(model, full(values), empty_context(3))[2])
    swapped = logits(model, full(values[[1, 0, 2]]), TRIPLE)[2]
    assert not torch.allclose(found, swapped)


def test_without_the_contexts_weights_the_context_does_not_count() -> None:
    model, values = system(4, **SMALL), torch.randn(3, 10, 4)
    interaction = model.fusion.interactions["audio"]
    for part in interaction.from_previous.values():
        nn.init.zeros_(part.weight)
    with torch.no_grad():
        model.fusion.classifier[0].weight[:, -12:] = 0.0  # h_p and h_r
    found, alone = (logits(model, full(values), context) for context in (TRIPLE, empty_context(3)))
    torch.testing.assert_close(found, alone)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_padding_of_each_turn_changes_nothing(row: int) -> None:
    model, values = system(4, **SMALL), torch.randn(3, 10, 4)
    mask = torch.ones(3, 10, dtype=torch.bool)
    mask[row, 7:] = False
    expected = logits(model, Stream(values, mask), TRIPLE)
    padded = torch.cat([values, torch.zeros(3, 9, 4)], dim=1)
    wide = F.pad(mask, (0, 9))
    found = logits(model, Stream(padded.masked_fill(~wide[..., None], float("nan")), wide), TRIPLE)
    assert (found - expected).abs().max() < 1e-5


def test_attention_of_the_current_turn() -> None:
    model = system(4, **SMALL)
    out = model({"audio": full(torch.randn(3, 23, 4))}, TRIPLE, need_attention=True)
    assert out.attention["audio"].shape == (3, 5)
    torch.testing.assert_close(out.attention["audio"].sum(dim=1), torch.ones(3))


def test_unknown_activations_are_errors() -> None:
    for make in (
        lambda: IAAN({"audio": 4}, activation="relu"),
        lambda: ARGRUEncoder(4, activation="relu"),
    ):
        with pytest.raises(MmserError, match="activation arelu or tanh; found 'relu'"):
            make()


def test_the_encoder_alone_averages_frames() -> None:
    out = ARGRUEncoder(4, hidden_size=3)(full(torch.randn(2, 12, 4)))
    assert out.values.shape == (2, 3, 6) and out.mask.all()


def test_overfits_triples() -> None:
    model = system(4, hidden_size=12, attention_size=4, output_size=16).train()
    triples = 8
    context = Context(
        torch.arange(triples).repeat_interleave(3),
        torch.arange(3).repeat(triples),
        torch.tensor([0, 1, 0] * triples),
    )
    stream, target = full(torch.randn(3 * triples, 10, 4)), torch.arange(triples) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        found = logits(model, stream, context)[2::3]
        if found.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(found, target).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    pytest.fail("not learnt within 150 steps")

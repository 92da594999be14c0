"""The acceptance checks of AMH, on the fusion with hand-made streams and on the whole system."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from mmser.core.batch import Fused, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.sequence.recurrent import RecurrentEncoder
from mmser.models.encoders.text.embedding_gru import EmbeddingGRU
from mmser.models.fusion.amh import AMH
from mmser.models.heads.classifier import Classifier
from mmser.models.layers.time.pooling import last_step
from mmser.models.multimodal import MultimodalModel, build_model

SIZES = {"audio": 10, "text": 8, "face": 6}
LENGTHS = {"audio": [9, 4, 7], "text": [5, 5, 2], "face": [3, 6, 4]}
VOCABULARY = 40


def streams() -> dict[str, Stream]:
    generator = torch.Generator().manual_seed(1)
    made = {}
    for name, lengths in LENGTHS.items():
        mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        values = torch.randn(3, max(lengths), SIZES[name], generator=generator)
        made[name] = Stream(values.masked_fill(~mask[..., None], float("nan")), mask)
    return made


def fusion(hops: int) -> AMH:
    """AMH with equal weights in its first hops whatever their number."""
    torch.manual_seed(0)
    return AMH(SIZES, hops=hops)


def fused(made: AMH, given: dict[str, Stream] | None = None, need_attention: bool = False) -> Fused:
    return made(given or streams(), empty_context(3), need_attention=need_attention)


def parts(vector: Tensor) -> dict[str, Tensor]:
    return dict(zip(SIZES, vector.split(list(SIZES.values()), dim=1), strict=True))


def system(hops: int) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {
            "audio": partial(
                RecurrentEncoder, hidden_size=200, bidirectional=False, input_dropout=0.3
            ),
            "text": partial(EmbeddingGRU, hidden_size=200, input_dropout=0.7),
            "face": partial(
                RecurrentEncoder, hidden_size=128, bidirectional=False, input_dropout=0.3
            ),
        },
        partial(AMH, hops=hops),
        partial(Classifier, uniform=0.25),
        {"audio": 120, "text": VOCABULARY, "face": 2048},
        Task(classes=tuple("abcdefg")),
    ).eval()


def test_shapes_and_attention() -> None:
    given = {
        "audio": Stream(torch.randn(2, 750, 120), torch.ones(2, 750, dtype=torch.bool)),
        "text": Stream(
            torch.randint(1, VOCABULARY, (2, 128)), torch.ones(2, 128, dtype=torch.bool)
        ),
        "face": Stream(torch.randn(2, 25, 2048), torch.ones(2, 25, dtype=torch.bool)),
    }
    out = system(3)(given, empty_context(2), need_attention=True)
    assert out.logits is not None and out.logits.shape == (2, 7) and out.vector.shape == (2, 528)
    shapes = {name: tuple(weights.shape) for name, weights in out.attention.items()}
    assert shapes == {"hop1_face": (2, 25), "hop2_audio": (2, 750), "hop3_text": (2, 128)}


@pytest.mark.parametrize(("hops", "expected"), [(1, 1_385_783), (3, 1_517_383), (7, 1_751_639)])
def test_parameter_count_is_exact(hops: int, expected: int) -> None:
    count = sum(parameter.numel() for parameter in system(hops).parameters())
    assert count - VOCABULARY * 300 == expected


def test_one_hop_does_not_use_the_last_face_state(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, untouched = fused(fusion(1)).vector, fused(fusion(0)).vector

    def noisy(values: Tensor, mask: Tensor) -> Tensor:
        state = last_step(values, mask)
        return torch.randn_like(state) if values.shape[-1] == SIZES["face"] else state

    monkeypatch.setattr("mmser.models.fusion.amh.last_step", noisy)
    assert torch.equal(fused(fusion(1)).vector, expected)
    assert not torch.equal(fused(fusion(0)).vector, untouched)


def test_weights_sum_to_one_over_real_steps() -> None:
    given = streams()
    attention = fused(fusion(7), given, need_attention=True).attention
    assert list(attention) == [
        f"hop{n}_{name}" for n, name in enumerate(["face", "audio", "text"] * 2 + ["face"], 1)
    ]
    for name, weights in attention.items():
        mask = given[name.split("_")[1]].mask
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))
        assert weights[~mask].eq(0).all()


@pytest.mark.parametrize("name", list(SIZES))
def test_padding_changes_nothing(name: str) -> None:
    given = streams()
    more = torch.full((3, 8, SIZES[name]), float("nan"))
    longer = Stream(
        torch.cat([given[name].values, more], 1), nn.functional.pad(given[name].mask, (0, 8))
    )
    difference = fused(fusion(7), {**given, name: longer}).vector - fused(fusion(7), given).vector
    assert difference.abs().max() < 1e-6


def test_fourth_hop_changes_only_the_face() -> None:
    three, four = parts(fused(fusion(3)).vector), parts(fused(fusion(4)).vector)
    assert torch.equal(three["audio"], four["audio"]) and torch.equal(three["text"], four["text"])
    assert not torch.allclose(three["face"], four["face"])


def test_zero_queries_give_plain_means() -> None:
    made, given = fusion(3), streams()
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    for name, summary in parts(fused(made, given).vector).items():
        for row, length in enumerate(LENGTHS[name]):
            torch.testing.assert_close(summary[row], given[name].values[row, :length].mean(dim=0))


def test_by_hand() -> None:
    """Hop 1 and 2 from the formulas, one row, no padding."""
    made, given = fusion(2), streams()
    h = {name: stream.values[0, : LENGTHS[name][0]] for name, stream in given.items()}
    first, second = made.queries
    query = first.weight @ torch.cat([h["audio"][-1], h["text"][-1]]) + first.bias
    face = (h["face"] @ query).softmax(dim=0) @ h["face"]
    query = second.weight @ torch.cat([h["text"][-1], face]) + second.bias
    audio = (h["audio"] @ query).softmax(dim=0) @ h["audio"]
    torch.testing.assert_close(
        fused(made, given).vector[0], torch.cat([audio, h["text"][-1], face])
    )


@pytest.mark.parametrize("name", list(SIZES))
def test_steps_may_be_permuted_with_their_mask(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention has no order; the last states, which have, are held fixed."""
    given = streams()
    states = {SIZES[n]: last_step(s.values, s.mask) for n, s in given.items()}
    monkeypatch.setattr(
        "mmser.models.fusion.amh.last_step", lambda values, mask: states[values.shape[-1]]
    )
    order = torch.randperm(given[name].mask.shape[1], generator=torch.Generator().manual_seed(2))
    shuffled = Stream(given[name].values[:, order], given[name].mask[:, order])
    torch.testing.assert_close(
        fused(fusion(3), {**given, name: shuffled}).vector, fused(fusion(3), given).vector
    )


def test_every_hop_has_its_own_parameters() -> None:
    made = fusion(4)
    assert made.queries[0].weight.shape == made.queries[3].weight.shape
    assert not torch.equal(made.queries[0].weight, made.queries[3].weight)
    assert made.queries[0].weight.abs().max() <= 0.25 and made.queries[0].bias.eq(0).all()


def test_no_hop_leaves_the_last_states_and_many_hops_are_allowed() -> None:
    given = streams()
    for name, state in parts(fused(fusion(0), given).vector).items():
        for row, length in enumerate(LENGTHS[name]):
            assert torch.equal(state[row], given[name].values[row, length - 1])
    assert torch.isfinite(fused(fusion(15)).vector).all()
    with pytest.raises(MmserError, match="number of hops of 0 or more; found -1"):
        AMH(SIZES, hops=-1)


@pytest.mark.parametrize(
    ("names", "visits"),
    [
        (("text", "audio"), ("audio", "text", "audio")),
        (("text", "face"), ("face", "text", "face")),
        (("text",), ("text", "text", "text")),
        (("mfcc", "text", "wav2vec2"), ("text", "mfcc", "wav2vec2")),
    ],
)
def test_other_sets_of_streams(names: tuple[str, ...], visits: tuple[str, ...]) -> None:
    assert AMH(dict.fromkeys(names, 4), hops=3).visits == visits


def test_absent_stream_summarises_to_zeros() -> None:
    given = streams()
    mask = given["face"].mask.clone()
    mask[1] = False
    out = fused(
        fusion(7), {**given, "face": Stream(given["face"].values, mask)}, need_attention=True
    )
    assert parts(out.vector)["face"][1].eq(0).all()
    assert torch.isfinite(out.vector).all() and out.attention["hop1_face"][1].eq(0).all()


def test_text_input_drops_seventy_percent_in_training() -> None:
    dropout = system(1).train().encoders["text"].input_dropout
    share = dropout(torch.ones(100, 1000)).eq(0).float().mean().item()
    assert share == pytest.approx(0.7, abs=0.01)


def test_fourteen_samples_are_learnt_by_heart() -> None:
    model = system(7)
    torch.manual_seed(2)
    full = torch.ones(14, 5, dtype=torch.bool)
    given = {
        "audio": Stream(torch.randn(14, 5, 120), full),
        "text": Stream(torch.randint(1, VOCABULARY, (14, 5)), full),
        "face": Stream(torch.randn(14, 5, 2048), full),
    }
    target = torch.arange(14) % 7
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(100):
        logits = model(given, empty_context(14)).logits
        assert logits is not None
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 100 steps")

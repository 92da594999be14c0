"""The acceptance checks of MSCNN-SPU and MSCNN-SPU-ATT."""

from typing import Any

import pytest
import torch
from torch import nn

from mmser.core.batch import Fused, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.fusion.mscnn_spu import (
    MSCNNSPU,
    ScaleBank,
    pooled_statistics,
    statistics_attention,
)
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel

SCALES = {"audio": [5, 7, 9, 11], "text": [2, 3, 4, 5]}
PUBLISHED = {"audio": 96, "text": 300}
SMALL = {"audio": 6, "text": 5}
TASK = Task(classes=("angry", "happy", "neutral", "sad"))


def stream(size: int, *lengths: int, garbage: float = float("nan")) -> Stream:
    generator = torch.Generator().manual_seed(size)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return Stream(
        Stream(torch.randn(len(lengths), max(lengths), size, generator=generator), mask).filled(
            garbage
        ),
        mask,
    )


def fusion(sizes: dict[str, int] | None = None, filters: int = 8, **options: Any) -> MSCNNSPU:
    torch.manual_seed(0)
    return MSCNNSPU(sizes or SMALL, SCALES, filters, **options).eval()


def small_streams(**lengths: tuple[int, ...]) -> dict[str, Stream]:
    return {name: stream(SMALL[name], *lengths.get(name, (9, 4, 6))) for name in SMALL}


def fused(made: MSCNNSPU, streams: dict[str, Stream], need_attention: bool = False) -> Fused:
    return made(streams, empty_context(len(next(iter(streams.values())).mask)), need_attention)


def system(sizes: dict[str, int], filters: int = 128, **options: Any) -> MultimodalModel:
    made = fusion(sizes, filters, **options)
    head = Classifier(made.output_size, TASK, [256], 0.3)
    return MultimodalModel(
        {name: Identity(size) for name, size in sizes.items()}, made, head
    ).eval()


@pytest.mark.parametrize(
    ("extra", "options", "vector", "parameters"),
    [
        ({}, {}, 3072, 1_719_556),
        ({"speaker": 512}, {"swem": True}, 4184, 2_004_228),
        ({}, {"pairs": "rank"}, 4608, 2_112_772),
        ({"speaker": 512}, {"swem": True, "pairs": "rank"}, 5720, 2_397_444),
        ({"speaker": 512}, {"swem": True, "pairs": "all"}, 10328, 3_577_092),
    ],
)
def test_published_sizes(
    extra: dict[str, int], options: dict[str, Any], vector: int, parameters: int
) -> None:
    with torch.device("meta"):
        model = system(PUBLISHED | extra, **options)
    assert model.vector_size == vector
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_published_shapes() -> None:
    model = system(PUBLISHED | {"speaker": 512}, swem=True, pairs="rank")
    streams = {
        "audio": stream(96, 750, 750),
        "text": stream(300, 128, 128),
        "speaker": stream(512, 1, 1),
    }
    with torch.no_grad():
        logits = model(streams, empty_context(2)).logits
    assert logits is not None and logits.shape == (2, 4)


def test_the_kernel_over_all_features_is_a_one_dimensional_convolution() -> None:
    """Against Conv2d with kernel (taps, feature), also for an even number of taps: left of step i
    lie taps // 2.
    """
    values = torch.randn(2, 10, 5)
    for taps in (2, 3, 4, 5):
        bank = ScaleBank(5, [taps], 3)
        (layer,) = bank.convolutions
        padded = nn.functional.pad(values, (0, 0, taps // 2, taps - 1 - taps // 2))[:, None]
        weight = layer.weight.transpose(1, 2)[:, None]  # (filter, 1, tap, feature)
        expected = (
            nn.functional.conv2d(padded, weight, layer.bias).squeeze(-1).relu().transpose(1, 2)
        )
        found = bank(values, torch.ones(2, 10, dtype=torch.bool))[:, :, 0]
        assert found.shape == (2, 10, 3) and (found - expected).abs().max() < 1e-5


def test_statistics_of_a_constant() -> None:
    values = torch.full((1, 7, 2, 3), 2.5, requires_grad=True)
    found = pooled_statistics(values, torch.ones(1, 7, dtype=torch.bool))
    assert found.shape == (1, 2, 3, 3)
    assert found[:, :, :2].eq(2.5).all()
    torch.testing.assert_close(found[:, :, 2], torch.full((1, 2, 3), 1e-4))
    found.sum().backward()
    assert values.grad is not None and torch.isfinite(values.grad).all()


def test_statistics_of_one_frame_and_under_permutation() -> None:
    values = torch.randn(2, 6, 4, 3)
    full = torch.ones(2, 6, dtype=torch.bool)
    assert torch.isfinite(pooled_statistics(values[:, :1], full[:, :1])).all()
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    torch.testing.assert_close(
        pooled_statistics(values[:, order], full), pooled_statistics(values, full)
    )


def test_the_model_feels_the_order_of_steps() -> None:
    made, given = fusion(), small_streams(audio=(9,), text=(9,))
    turned = {name: Stream(s.values.flip(1), s.mask) for name, s in given.items()}
    assert not torch.allclose(fused(made, given).vector, fused(made, turned).vector, atol=1e-3)


def test_attention_sums_to_one_and_a_silent_query_gives_the_mean() -> None:
    values, mask = (
        torch.randn(2, 5, 4, 3),
        torch.tensor([[True] * 5, [True, True, False, False, False]]),
    )
    values = values * mask[..., None, None]
    found, weights = statistics_attention(torch.zeros(2, 4, 3, 3), values, mask, every=False)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 3))
    assert weights[1, ..., 2:].eq(0).all()
    mean = values.sum(1) / mask.sum(1)[:, None, None]
    torch.testing.assert_close(found, mean[:, :, None].expand(-1, -1, 3, -1))


def test_attention_by_hand_and_which_scales_meet() -> None:
    statistics, values = torch.randn(1, 2, 3, 4), torch.randn(1, 5, 2, 4)
    mask = torch.ones(1, 5, dtype=torch.bool)
    rank, _ = statistics_attention(statistics, values, mask, every=False)
    every, _ = statistics_attention(statistics, values, mask, every=True)
    assert rank.shape == (1, 2, 3, 4) and every.shape == (1, 4, 3, 4)
    for asking in range(2):
        for asked in range(2):
            h = values[0, :, asked]
            expected = torch.stack(
                [(h @ statistics[0, asking, g]).softmax(0) @ h for g in range(3)]
            )
            torch.testing.assert_close(every[0, asking * 2 + asked], expected)
            if asking == asked:
                torch.testing.assert_close(rank[0, asking], expected)


def test_attention_has_no_parameters() -> None:
    plain, attending = fusion(), fusion(pairs="all")
    assert plain.state_dict().keys() == attending.state_dict().keys()
    weights = fused(fusion(pairs="rank"), small_streams(), need_attention=True).attention[
        "audio_over_text"
    ]
    assert weights.shape == (3, 4, 3, 9)


@pytest.mark.parametrize("name", list(SMALL))
def test_padding_changes_nothing(name: str) -> None:
    made, given = fusion(pairs="rank", swem=True), small_streams()
    old = given[name]
    more = torch.full((3, 7, SMALL[name]), float("nan"))
    longer = Stream(torch.cat([old.values, more], 1), nn.functional.pad(old.mask, (0, 7)))
    assert (
        fused(made, {**given, name: longer}).vector - fused(made, given).vector
    ).abs().max() < 1e-5


def test_fixed_lengths_count_the_padding_and_cut() -> None:
    given = small_streams(audio=(9, 4), text=(3, 8))
    made = fusion(fixed_lengths={"audio": 12, "text": 5})
    found = fused(made, given).vector
    audio = nn.functional.pad(given["audio"].filled(), (0, 0, 0, 3))
    text = given["text"].filled()[:, :5]
    everywhere = {
        "audio": torch.ones(2, 12, dtype=torch.bool),
        "text": torch.ones(2, 5, dtype=torch.bool),
    }
    plain = fused(
        fusion(),
        {"audio": Stream(audio, everywhere["audio"]), "text": Stream(text, everywhere["text"])},
    )
    torch.testing.assert_close(found, plain.vector)
    masked = fused(fusion(), given).vector
    assert not torch.allclose(masked[1], found[1], atol=1e-3)


def test_swem_of_one_word_is_the_word_twice() -> None:
    given = small_streams(text=(9, 1, 6))
    vector = fused(fusion(swem=True), given).vector[1, -2 * SMALL["text"] :]
    word = given["text"].values[1, 0]
    assert torch.equal(vector, torch.cat([word, word]))


def test_an_addon_turned_off_is_one_whose_columns_are_zero() -> None:
    sizes, given = {**SMALL, "speaker": 3}, {**small_streams(), "speaker": stream(3, 1, 1, 1)}
    added, plain = system(sizes, 8, swem=True), system(SMALL, 8)
    plain.fusion.load_state_dict(added.fusion.state_dict())
    plain.head.load_state_dict(
        {**added.head.state_dict(), "hidden.1.weight": added.head.hidden[1].weight[:, :192]}
    )
    context = empty_context(3)
    assert not torch.allclose(added(given, context).logits, plain(given, context).logits, atol=1e-3)
    with torch.no_grad():
        added.head.hidden[1].weight[:, 192:] = 0
    torch.testing.assert_close(added(given, context).logits, plain(given, context).logits)


@pytest.mark.parametrize("swem", [False, True])
@pytest.mark.parametrize("speaker", [False, True])
def test_an_empty_transcript_is_finite_whatever_is_added(swem: bool, speaker: bool) -> None:
    """The ASR setting is another text stream for the same weights; ASR may hear nothing."""
    sizes = {**SMALL, "speaker": 3} if speaker else SMALL
    given = small_streams() | ({"speaker": stream(3, 1, 1, 1)} if speaker else {})
    mask = given["text"].mask.clone()
    mask[0] = False
    made = fusion(sizes, pairs="rank", swem=swem)
    other = fused(made, {**given, "text": Stream(given["text"].values, mask)}).vector
    assert torch.isfinite(other).all()
    torch.testing.assert_close(other[1:], fused(made, given).vector[1:])


def test_one_stream_alone_and_options_that_cannot_be() -> None:
    made = fusion({"text": 5}, pairs="rank", swem=True)
    assert not made.attends and fused(made, {"text": stream(5, 4, 2)}).vector.shape == (
        2,
        4 * 3 * 8 + 10,
    )
    with pytest.raises(MmserError, match="as many scales of the stream that asks"):
        MSCNNSPU(SMALL, {"audio": [3, 5], "text": [2]}, pairs="rank")
    with pytest.raises(MmserError, match="pairs to be one of none, rank, all; found 'some'"):
        fusion(pairs="some")


def test_sixteen_samples_are_learnt_by_heart() -> None:
    model = system(SMALL, 8, pairs="rank").train()
    given = {name: stream(size, *[6] * 16) for name, size in SMALL.items()}
    target = torch.arange(16) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    torch.manual_seed(1)
    for _ in range(200):
        logits = model.train()(given, empty_context(16)).logits
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()
        with torch.no_grad():
            if model.eval()(given, empty_context(16)).logits.argmax(dim=1).equal(target):
                return
    pytest.fail("not learnt within 200 steps")

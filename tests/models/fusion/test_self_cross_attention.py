"""The acceptance checks of self- versus cross-attention, on the fusion, its encoders and the whole
systems.
"""

from __future__ import annotations

from functools import partial
from itertools import chain, combinations

import hydra
import pytest
import torch
from torch import Tensor, nn

from mmser.composition import compose
from mmser.core.batch import Fused, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.sequence.mixed_bigru import MixedBiGRU
from mmser.models.fusion.self_cross_attention import SelfCrossAttention
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model

NAMES = ("audio", "text", "face")
INPUT_SIZES = {"audio": 120, "text": 300, "face": 2048}
SELF, CROSS, BOTH = (
    {"within": True, "cross": False},
    {"within": False, "cross": True},
    {"within": True, "cross": True},
)
SUBSETS = list(chain.from_iterable(combinations(NAMES, count) for count in (1, 2, 3)))


def published(layout: str, device: str = "meta", **options: bool) -> MultimodalModel:
    encoders = {
        "audio": partial(
            MixedBiGRU, layout=layout, steps=1000, mixed_steps=500, projected_size=120
        ),
        "text": partial(MixedBiGRU, layout=layout, steps=128, input_dropout=0.25),
        "face": partial(MixedBiGRU, layout=layout, steps=32, mixed_steps=25),
    }
    torch.manual_seed(0)
    with torch.device(device):
        fusion = partial(SelfCrossAttention, **options)
        return build_model(
            encoders, fusion, Classifier, INPUT_SIZES, Task(classes=tuple("abcdefg"))
        )


def fusion(names: tuple[str, ...] = NAMES, **options: object) -> SelfCrossAttention:
    torch.manual_seed(0)
    return SelfCrossAttention(
        dict.fromkeys(names, 12), size=12, heads=3, output_size=5, **options
    ).eval()


def streams(names: tuple[str, ...] = NAMES, rows: int = 3) -> dict[str, Stream]:
    generator = torch.Generator().manual_seed(1)
    lengths = {"audio": [9, 4, 7], "text": [5, 5, 2], "face": [3, 6, 4]}
    made = {}
    for name in names:
        mask = torch.arange(max(lengths[name])) < torch.tensor(lengths[name][:rows])[:, None]
        values = torch.randn(rows, mask.shape[1], 12, generator=generator)
        made[name] = Stream(values.masked_fill(~mask[..., None], float("nan")), mask)
    return made


def fused(
    made: SelfCrossAttention, given: dict[str, Stream], need_attention: bool = False
) -> Fused:
    return made(
        given, empty_context(len(next(iter(given.values())).mask)), need_attention=need_attention
    )


def pooled(made: SelfCrossAttention, given: dict[str, Stream]) -> Tensor:
    """What goes into the last linear layer."""
    seen: list[Tensor] = []
    handle = made.embedding.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    fused(made, given)
    handle.remove()
    return seen[0]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (SELF, 1_645_892),
        (CROSS, 1_820_132),
        ({**SELF, "statistics": False}, 1_645_892 + 120 * 60),
        ({**CROSS, "statistics": False}, 1_820_132 + 480 * 60),
        (BOTH, 1_820_132 + 3 * 58_080 + 240 * 60),
    ],
)
def test_parameters_of_the_released_layout(options: dict, count: int) -> None:
    model = published("released", **options)
    assert sum(p.numel() for p in model.parameters()) == count
    assert model.vector_size == 60 and model.head.logits.out_features == 7


@pytest.mark.parametrize("options", [SELF, CROSS], ids=["self", "cross"])
def test_seven_classes_and_an_embedding_of_sixty(options: dict) -> None:
    """At the published lengths behind the encoders, without memory or arithmetic; r_la has 128
    positions, r_al 500.
    """
    model, meta = published("released", **options).eval(), torch.device("meta")
    given = {}
    for name, length in {"audio": 500, "text": 128, "face": 25}.items():
        values = torch.empty(2, length, model.encoders[name].output_size, device=meta)
        given[name] = Stream(values, torch.ones(2, length, dtype=torch.bool, device=meta))
    fused = model.fusion(given, empty_context(2, meta), need_attention=True)
    assert fused.vector.shape == (2, 60) and model.head(fused.vector)[0].shape == (2, 7)
    if options is CROSS:
        assert fused.attention["text_over_audio"].shape[-2:] == (128, 500)
        assert fused.attention["audio_over_text"].shape[-2:] == (500, 128)


def test_self_attention_by_hand() -> None:
    """One row, one stream at a time: softmax(Q K^T / sqrt(4)) V per head, mean over time, then [sd
    ; mean].
    """
    made, given = (
        fusion(**SELF),
        {n: Stream(s.values[:1], s.mask[:1]) for n, s in streams().items()},
    )
    vectors = []
    for name, stream in given.items():
        x, layer = stream.values[0, stream.mask[0]], made.attention[f"{name}_over_{name}"]
        q, k, v = (
            part(x).unflatten(1, (3, 4)).transpose(0, 1)
            for part in (layer.query, layer.key, layer.value)
        )
        attended = (q @ k.transpose(1, 2) / 2).softmax(dim=-1) @ v
        vectors.append(layer.out(attended.transpose(0, 1).flatten(1)).mean(dim=0))
    stacked = torch.stack(vectors)
    expected = torch.cat([stacked.std(dim=0), stacked.mean(dim=0)])
    torch.testing.assert_close(pooled(made, given)[0], expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        fused(made, given).vector[0], made.embedding(expected), atol=1e-5, rtol=1e-4
    )


def test_cross_equals_self_when_streams_and_weights_are_tied() -> None:
    stream = streams()["audio"]
    given = dict.fromkeys(NAMES, stream)
    results = []
    for options in (SELF, CROSS):
        made = fusion(**options)
        for layer in made.attention.values():
            layer.load_state_dict(next(iter(made.attention.values())).state_dict())
        results.append(pooled(made, given))
        assert results[-1][:, :12].abs().max() < 1e-3
    torch.testing.assert_close(*results)


def test_cross_attention_is_as_long_as_its_query() -> None:
    given = streams()
    attention = fused(fusion(**CROSS), given, need_attention=True).attention
    assert set(attention) == {f"{q}_over_{k}" for q in NAMES for k in NAMES if q != k}
    for name, weights in attention.items():
        query, _, key = name.partition("_over_")
        assert weights.shape == (3, 3, given[query].mask.shape[1], given[key].mask.shape[1])


@pytest.mark.parametrize("options", [SELF, CROSS, BOTH])
def test_order_of_steps_does_not_matter(options: dict) -> None:
    given, order = streams(), torch.tensor([4, 2, 0, 3, 1])
    shuffled = {
        **given,
        "text": Stream(given["text"].values[:, order], given["text"].mask[:, order]),
    }
    made = fusion(**options)
    torch.testing.assert_close(fused(made, shuffled).vector, fused(made, given).vector)


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
@pytest.mark.parametrize("options", [SELF, CROSS], ids=["self", "cross"])
def test_every_subset_trains_one_step(names: tuple[str, ...], options: dict) -> None:
    """With equal vectors, where a deviation without epsilon has no gradient."""
    made, shared = (
        fusion(names, **options).train(),
        Stream(torch.ones(2, 3, 12), torch.ones(2, 3, dtype=torch.bool)),
    )
    for layer in made.attention.values():
        layer.load_state_dict(next(iter(made.attention.values())).state_dict())
    before = made.embedding.weight.detach().clone()
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    fused(made, dict.fromkeys(names, shared)).vector.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters() if p.grad is not None)
    optimizer.step()
    assert not torch.equal(made.embedding.weight, before)


def test_a_single_stream_has_its_self_module() -> None:
    assert list(fusion(("text",), **CROSS).attention) == ["text_over_text"]
    with pytest.raises(MmserError, match="a self- or a cross-attention module; found neither"):
        fusion(within=False, cross=False)


@pytest.mark.parametrize("options", [SELF, CROSS, BOTH])
def test_absent_stream_takes_no_part_in_the_statistics(options: dict) -> None:
    given = streams()
    mask = given["face"].mask.clone()
    mask[0] = False
    without = fusion(**options)
    found = pooled(without, {**given, "face": Stream(given["face"].values, mask)})[0]
    names = ("audio", "text")
    smaller = fusion(names, **options)
    for key, layer in smaller.attention.items():
        layer.load_state_dict(without.attention[key].state_dict())
    torch.testing.assert_close(found, pooled(smaller, {name: given[name] for name in names})[0])


@pytest.mark.parametrize("options", [SELF, CROSS], ids=["self", "cross"])
def test_fourteen_samples_are_learnt_by_heart(options: dict) -> None:
    torch.manual_seed(0)
    model = build_model(
        {name: partial(MixedBiGRU, hidden_size=12) for name in NAMES},
        partial(SelfCrossAttention, size=24, dropout=0.0, **options),
        Classifier,
        dict.fromkeys(NAMES, 8),
        Task(classes=tuple("abcdefg")),
    )
    full = torch.ones(14, 4, dtype=torch.bool)
    given = {name: Stream(torch.randn(14, 4, 8), full) for name in NAMES}
    target = torch.arange(14) % 7
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        logits = model(given, empty_context(14)).logits
        assert logits is not None
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 150 steps")


@pytest.mark.parametrize(
    ("system", "count"), [("self_attention", 1_645_892), ("cross_attention", 1_820_132)]
)
def test_the_released_layout_is_one_word(system: str, count: int) -> None:
    words = [
        f"system={system}",
        "corpus=iemocap",
        "protocol=iemocap7_fold5",
        "experiment=released_layout",
    ]
    parts = hydra.utils.instantiate(compose("train", words)["model"])
    with torch.device("meta"):
        model = build_model(**parts, input_sizes=INPUT_SIZES, task=Task(classes=tuple("abcdefg")))
    assert sum(p.numel() for p in model.parameters()) == count

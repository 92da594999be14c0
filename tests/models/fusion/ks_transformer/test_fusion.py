"""The acceptance checks of KS-Transformer (the attention itself is tested beside its layer)."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from mmser.core.batch import Fused, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.fusion.ks_transformer.fusion import KSTransformer
from mmser.models.heads.classifier import Classifier
from mmser.models.layers.attention.positions import sinusoid
from mmser.models.multimodal import MultimodalModel, build_model

SIZES = {"audio": 16, "text": 24}
LENGTHS = {"audio": [12, 5, 9], "text": [4, 6, 1]}


def streams(
    names: tuple[str, ...] = ("audio", "text"), extra: int = 0, padding: float = float("nan")
) -> dict:
    generator = torch.Generator().manual_seed(1)
    made = {}
    for name in ("audio", "text", "face"):
        lengths = torch.tensor(LENGTHS.get(name, [3, 7, 2]))
        values = torch.randn(3, int(lengths.max()), SIZES.get(name, 8), generator=generator)
        values = nn.functional.pad(values, (0, 0, 0, extra))
        mask = torch.arange(values.shape[1]) < lengths[:, None]
        made[name] = Stream(values.masked_fill(~mask[..., None], padding), mask)
    return {name: made[name] for name in names}


def fusion(**options: object) -> KSTransformer:
    torch.manual_seed(0)
    sizes = options.pop("sizes", SIZES)
    return KSTransformer(
        sizes, **{"heads": 4, "feature_layers": 1, "deep_layers": 1, **options}
    ).eval()


def fused(made: KSTransformer, given: dict | None = None, need_attention: bool = False) -> Fused:
    return made(given or streams(), empty_context(3), need_attention=need_attention)


def published() -> MultimodalModel:
    """Without memory for its parameters."""
    with torch.device("meta"):
        return build_model(
            {"audio": Identity, "text": Identity},
            KSTransformer,
            partial(Classifier, hidden_sizes=(768, 384), dropout=0.5, input_dropout=0.0),
            {"audio": 512, "text": 1024},
            Task(classes=tuple("abcd")),
        )


def test_shapes_and_parameters_of_the_published_system() -> None:
    model = published()
    counts = {
        "features.audio": 6_578_944,
        "features.text": 26_265_088,
        "interactions.audio_over_text": 9_478_656,
        "interactions.text_over_audio": 28_385_280,
        "deep.audio": 2_632_192,
        "deep.text": 10_507_264,
    }
    for part, expected in counts.items():
        assert sum(p.numel() for p in model.fusion.get_submodule(part).parameters()) == expected, (
            part
        )
    assert sum(p.numel() for p in model.head.parameters()) == 1_477_252
    assert sum(p.numel() for p in model.parameters()) == 85_324_676
    assert model.fusion.output_size == 1536 and model.head.logits.out_features == 4


def test_four_classes_for_460_frames_and_20_words() -> None:
    """The published sizes, without memory or arithmetic."""
    sizes = {"audio": (2, 460, 512), "text": (2, 20, 1024)}
    given = {
        name: Stream(
            torch.empty(size, device="meta"), torch.ones(size[:2], dtype=torch.bool, device="meta")
        )
        for name, size in sizes.items()
    }
    out = published().eval()(given, empty_context(2, torch.device("meta")))
    assert out.logits.shape == (2, 4) and out.vector.shape == (2, 1536)


@pytest.mark.parametrize("padding", [float("nan"), 1e3])
def test_padding_has_no_influence(padding: float) -> None:
    made = fusion()
    expected = fused(made, streams(padding=0.0), need_attention=True)
    found = fused(made, streams(extra=6, padding=padding), need_attention=True)
    torch.testing.assert_close(found.vector, expected.vector, atol=1e-6, rtol=0)
    for name, weights in expected.attention.items():
        again = found.attention[name][:, :, : weights.shape[2], : weights.shape[3]]
        assert torch.equal(again.sum(dim=2) > 0, weights.sum(dim=2) > 0), f"kept keys of {name}"


def test_released_padding_moves_the_result() -> None:
    """Documents the flaw: the amount of padding matters; what stands in it still does not."""
    made = fusion(padding="released")
    expected = fused(made, streams(padding=0.0)).vector
    torch.testing.assert_close(fused(made, streams(padding=float("nan"))).vector, expected)
    assert not torch.allclose(fused(made, streams(extra=6)).vector, expected, atol=1e-3)


def test_heads_and_samples_keep_different_keys() -> None:
    given = {"audio": Stream(torch.randn(2, 20, 16), torch.ones(2, 20, dtype=torch.bool))}
    given["text"] = Stream(torch.randn(2, 10, 24), torch.ones(2, 10, dtype=torch.bool))
    weights = fusion()(given, empty_context(2), need_attention=True).attention["audio_over_text"]
    kept = weights.sum(dim=2) > 0  # (batch, head, key)
    assert kept.sum(dim=-1).eq(5).all()
    assert not kept[0].eq(kept[0, 0]).all() and not torch.equal(kept[0], kept[1])


def test_number_of_cascades_matters() -> None:
    vectors = [fused(fusion(cascades=count)).vector for count in (0, 1, 3)]
    assert all(torch.isfinite(vector).all() for vector in vectors)
    assert not torch.allclose(vectors[0], vectors[2]) and not torch.allclose(vectors[1], vectors[2])


def test_without_cascades_streams_do_not_meet() -> None:
    given = streams()
    other = {**given, "text": Stream(given["text"].values.flip(2), given["text"].mask)}
    for cascades, same in ((0, True), (1, False)):
        made = fusion(cascades=cascades)
        audio = [fused(made, each).vector[:, :16] for each in (given, other)]
        assert torch.allclose(*audio, atol=1e-6) is same


def test_double_skip_adds_the_features_twice() -> None:
    """Deep fusion sees f + A or f + 2 A."""
    seen: list[Tensor] = []
    for double in (False, True):
        made = fusion(double_skip=double)
        made.deep["audio"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        own = made._own("audio", streams()["audio"])
        fused(made)
    torch.testing.assert_close(seen[1] - seen[0], own)


def test_positions_are_the_closed_form_after_initialisation() -> None:
    rates = 10_000.0 ** (-torch.arange(0, 16, 2) / 16)
    angles = torch.arange(12.0)[:, None] * rates
    table = fusion().features["audio"].places(torch.zeros(3, 12, 16))
    torch.testing.assert_close(table[:, 0::2], angles.sin())
    torch.testing.assert_close(table[:, 1::2], angles.cos())
    torch.testing.assert_close(table, sinusoid(torch.arange(12), 16))


def test_released_noise_is_frozen_small_and_limited() -> None:
    made = fusion(position="released_noise", cascades=1)
    tables = [buffer for name, buffer in made.named_buffers() if name.endswith("table")]
    assert len(tables) == 10 and all(table.abs().max() <= 0.056 for table in tables)
    assert not torch.equal(made.features["audio"].places.table, made.deep["audio"].places.table)
    assert torch.isfinite(fused(made).vector).all()
    with pytest.raises(MmserError, match="at most 2000 steps; found 2001"):
        made.features["audio"].places(torch.zeros(1, 2001, 16))


def test_a_single_stream_and_three() -> None:
    alone = fusion(sizes={"audio": 16})
    assert not alone.interactions and fused(alone).vector.shape == (3, 16)
    three = fusion(sizes={**SIZES, "face": 8}, cascades=1)
    assert len(three.interactions) == 6
    assert fused(three, streams(("audio", "text", "face"))).vector.shape == (3, 48)


def test_absent_stream_is_ignored() -> None:
    given = streams()
    mask = given["text"].mask.clone()
    mask[0] = False
    vector = fused(fusion(), {**given, "text": Stream(given["text"].values, mask)}).vector
    assert (
        torch.isfinite(vector).all() and vector[0, 16:].eq(0).all() and vector[0, :16].ne(0).any()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "none"}, "padding masked or released; found 'none'"),
        ({"position": "learnt"}, "position sinusoid or released_noise; found 'learnt'"),
        ({"keep": 0.0}, "share of kept keys above 0 and up to 1; found 0.0"),
        ({"heads": 5}, "divisible by the number of heads; found 16 / 5"),
    ],
)
def test_wrong_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(MmserError, match=message):
        fusion(**options)


def test_sixteen_random_samples_are_learnt_by_heart() -> None:
    torch.manual_seed(3)
    model = build_model(
        {"audio": Identity, "text": Identity},
        partial(
            KSTransformer,
            heads=2,
            feature_layers=1,
            cascades=1,
            deep_layers=1,
            dropout=0.0,
            weight_dropout=0.0,
        ),
        Classifier,
        {"audio": 8, "text": 8},
        Task(classes=tuple("abcd")),
    )
    full = torch.ones(16, 5, dtype=torch.bool)
    given = {name: Stream(torch.randn(16, 5, 8), full) for name in ("audio", "text")}
    target = torch.arange(16) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        logits = model(given, empty_context(16)).logits
        assert logits is not None
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 60 steps")

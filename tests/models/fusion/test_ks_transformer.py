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
from mmser.models.fusion.ks_transformer import KSTransformer
from mmser.models.heads.classifier import Classifier
from mmser.models.layers.key_sparse_layer import KeySparseAttention
from mmser.models.layers.positions import sinusoid
from mmser.models.multimodal import MultimodalModel, build_model

SIZES = {"audio": 16, "text": 24}
LENGTHS = {"audio": [12, 5, 9], "text": [4, 6, 1]}


def streams(names: tuple[str, ...] = ("audio", "text"), extra: int = 0, padding: float = float("nan")) -> dict:
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
    return KSTransformer(sizes, **{"heads": 4, "feature_layers": 1, "deep_layers": 1, **options}).eval()


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
        assert sum(p.numel() for p in model.fusion.get_submodule(part).parameters()) == expected, part
    assert sum(p.numel() for p in model.head.parameters()) == 1_477_252
    assert sum(p.numel() for p in model.parameters()) == 85_324_676
    assert model.fusion.output_size == 1536 and model.head.logits.out_features == 4


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


@pytest.mark.parametrize(("valid", "survivors"), [(8, 8), (15, 10)])
def test_released_padding_keeps_half_of_the_padded_length(valid: int, survivors: int) -> None:
    torch.manual_seed(0)
    attention = KeySparseAttention(16, 4, count_padding=True).eval()
    query, key = torch.randn(2, 6, 16), torch.randn(2, 20, 16)
    key_mask = (torch.arange(20) < valid).expand(2, -1)
    _, weights = attention(query, key, key, torch.ones(2, 6, dtype=torch.bool), key_mask, need_weights=True)
    assert (weights.sum(dim=2) > 0).sum(dim=-1).eq(survivors).all()


@pytest.mark.parametrize("renormalise", [False, True])
def test_attention_by_hand(renormalise: bool) -> None:
    """One head, no padding: softmax, column sums, the better half, the rest of the weights zero."""
    torch.manual_seed(0)
    made = KeySparseAttention(6, 1, key_size=4, renormalise=renormalise)
    query, key, value = torch.randn(1, 5, 6), torch.randn(1, 7, 4), torch.randn(1, 7, 4)
    masks = torch.ones(1, 5, dtype=torch.bool), torch.ones(1, 7, dtype=torch.bool)
    found, told = made(query, key, value, *masks, need_weights=True)
    weights = (made.query(query) @ made.key(key).transpose(1, 2) / 6**0.5).softmax(dim=-1)
    kept = weights[0].sum(dim=0).argsort(descending=True)[:3]
    cut = torch.zeros_like(weights)
    cut[..., kept] = weights[..., kept]
    if renormalise:
        cut = cut / cut.sum(dim=-1, keepdim=True)
    torch.testing.assert_close(told[:, 0], cut)
    torch.testing.assert_close(found, made.out(cut @ made.value(value)))


def test_keeping_all_keys_is_plain_attention() -> None:
    torch.manual_seed(0)
    made, reference = KeySparseAttention(8, 2, keep=1.0), nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([made.query.weight, made.key.weight, made.value.weight]))
        reference.in_proj_bias.copy_(torch.cat([made.query.bias, made.key.bias, made.value.bias]))
    reference.out_proj = made.out
    x, mask = torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(made(x, x, x, mask, mask)[0], reference(x, x, x)[0], atol=1e-6, rtol=0)


def test_permuting_queries_permutes_rows_and_leaves_the_kept_keys() -> None:
    torch.manual_seed(0)
    made, order = KeySparseAttention(8, 2), torch.tensor([4, 1, 5, 0, 3, 2])
    query, key = torch.randn(2, 6, 8), torch.randn(2, 9, 8)
    masks = torch.arange(6) < torch.tensor([6, 4])[:, None], torch.arange(9) < torch.tensor([9, 5])[:, None]
    out, weights = made(query, key, key, *masks, need_weights=True)
    again, told = made(query[:, order], key, key, masks[0][:, order], masks[1], need_weights=True)
    torch.testing.assert_close(again, out[:, order], atol=1e-6, rtol=0)
    torch.testing.assert_close(told, weights[:, :, order], atol=1e-6, rtol=0)


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
    assert torch.isfinite(vector).all() and vector[0, 16:].eq(0).all() and vector[0, :16].ne(0).any()


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
        partial(KSTransformer, heads=2, feature_layers=1, cascades=1, deep_layers=1, dropout=0.0, weight_dropout=0.0),
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

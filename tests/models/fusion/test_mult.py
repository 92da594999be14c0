"""MulT: its structure, its masks, and one cross-modal transformer written out."""

from __future__ import annotations

import torch
from torch import nn

from mmser.core.batch import Stream, empty_context
from mmser.models.fusion.mult import MulT
from mmser.models.layers.attention.positions import sinusoid

SIZES = {"audio": 6, "text": 5, "face": 7}
LENGTHS = {"audio": [9, 4], "text": [3, 5], "face": [2, 6]}


def streams(names: tuple[str, ...] = ("audio", "text", "face")) -> dict[str, Stream]:
    generator = torch.Generator().manual_seed(1)
    made = {}
    for name in names:
        mask = torch.arange(max(LENGTHS[name])) < torch.tensor(LENGTHS[name])[:, None]
        values = torch.randn(2, mask.shape[1], SIZES[name], generator=generator)
        made[name] = Stream(values.masked_fill(~mask[..., None], float("nan")), mask)
    return made


def mult(sizes: dict[str, int], **options: object) -> MulT:
    torch.manual_seed(0)
    return MulT(sizes, **{"size": 8, "heads": 2, "layers": 1, "own_layers": 1, **options}).eval()


def test_structure() -> None:
    made = MulT(SIZES, kernels={"audio": 5})
    assert len(made.cross) == 6 and len(made.own) == 3 and made.output_size == 240
    assert {len(stack.layers) for stack in (*made.cross.values(), *made.own.values())} == {4}
    assert [c.convolution.kernel_size for c in made.convolutions.values()] == [(5,), (3,), (3,)]
    layer = made.own["text"].layers[0]
    assert layer.feed_forward.inner.weight.shape == (320, 80) and layer.attention.heads == 10
    assert len(MulT(SIZES, layers=2).own["text"].layers) == 3


def test_cross_modal_transformer_by_hand() -> None:
    """Pre-norm; keys pass the norm of the queries in every layer; scaled input plus positions; a
    last norm.
    """
    made = mult({"audio": 6, "text": 5})
    stack = made.cross["audio_over_text"]
    query, memory = torch.randn(1, 4, 8), torch.randn(1, 3, 8)
    real = torch.ones(1, 4, dtype=torch.bool)
    found, _ = stack(Stream(query, real), Stream(memory, real[:, :3]), False)
    placed = [8**0.5 * x + sinusoid(torch.arange(x.shape[1]), 8) for x in (query, memory)]
    layer = stack.layers[0]
    reference = nn.MultiheadAttention(8, 2, batch_first=True)
    parts = (layer.attention.query, layer.attention.key, layer.attention.value)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        reference.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    reference.out_proj = layer.attention.out
    x, keys = placed[0], layer.attention_norm(placed[1])
    x = x + reference(layer.attention_norm(x), keys, keys)[0]
    inner = layer.feed_forward
    x = x + inner.outer(inner.inner(layer.feed_forward_norm(x)).relu())
    torch.testing.assert_close(found, stack.norm(x), atol=1e-5, rtol=1e-4)


def test_each_stream_ends_in_its_last_real_step() -> None:
    """A row by itself, without padding, gives the same vector; attention has the lengths of query
    and key.
    """
    made, given = mult(SIZES), streams()
    out = made(given, empty_context(2), need_attention=True)
    assert out.vector.shape == (2, made.output_size) == (2, 48)
    for row in range(2):
        alone = {
            n: Stream(
                s.values[row : row + 1, : LENGTHS[n][row]], s.mask[row : row + 1, : LENGTHS[n][row]]
            )
            for n, s in given.items()
        }
        torch.testing.assert_close(
            made(alone, empty_context(1)).vector[0], out.vector[row], atol=1e-5, rtol=1e-4
        )
    assert out.attention["audio_over_text"].shape == (2, 2, 9, 5)
    assert out.attention["face_over_face"].shape == (2, 2, 6, 6) and len(out.attention) == 9


def test_one_stream_and_an_absent_partner() -> None:
    alone = mult({"audio": 6})
    assert not alone.cross and alone(streams(("audio",)), empty_context(2)).vector.shape == (2, 8)
    given = streams(("audio", "text"))
    gone = Stream(given["text"].values, torch.zeros_like(given["text"].mask))
    made = mult({"audio": 6, "text": 5})
    out = made({**given, "text": gone}, empty_context(2), need_attention=True)
    assert torch.isfinite(out.vector).all() and out.attention["audio_over_text"].eq(0).all()

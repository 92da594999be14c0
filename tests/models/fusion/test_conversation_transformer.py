"""The acceptance checks of the conversation stage and the fusion stage of the LEAF multimodal
transformer.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Stream
from mmser.models.fusion.conversation_transformer import (
    ConversationAttention,
    ConversationTransformer,
)
from mmser.models.layers.time.recurrent import Recurred

SIZES = {"audio": 5, "text": 4}
DIALOGUE = torch.tensor([0, 1, 0, 1, 0, 1, 1])
TURN = torch.tensor([2, 0, 0, 3, 1, 1, 2])


def context(rows: Tensor | None = None) -> Context:
    every = torch.arange(7) if rows is None else rows
    return Context(DIALOGUE[every], TURN[every], torch.zeros(len(every), dtype=torch.long))


def fusion(**options: Any) -> ConversationTransformer:
    torch.manual_seed(0)
    small = {"hidden_size": 3, "size": 8, "heads": 2, "layers": 2, "inner_size": 16}
    return ConversationTransformer(SIZES, **{**small, **options}).eval()


def streams(count: int = 7) -> dict[str, Stream]:
    torch.manual_seed(1)
    every = torch.ones(count, 1, dtype=torch.bool)
    return {name: Stream(torch.randn(count, 1, size), every) for name, size in SIZES.items()}


def chosen(given: dict[str, Stream], rows: Tensor) -> dict[str, Stream]:
    return {name: Stream(stream.values[rows], stream.mask[rows]) for name, stream in given.items()}


def test_published_sizes() -> None:
    def size(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    with torch.device("meta"):
        assert size(ConversationAttention(100)) + 200 * 4 + 4 == 323_404
        assert size(ConversationAttention(200)) + 200 * 4 + 4 == 383_404
        made = ConversationTransformer({"audio": 100, "text": 100})
        assert size(made.layers) == 2_397_096
        assert (
            size(made.layers) + size(made.projections) + size(nn.Linear(made.output_size, 4))
            == 2_446_300
        )
        assert (
            size(ConversationTransformer({"audio": 100, "text": 100}, inner_size=480).layers)
            == 523_080
        )


def identity(made: ConversationAttention) -> ConversationAttention:
    made.recurrence.forward = lambda values, mask: Recurred(values, lambda: values[:, 0])  # type: ignore[method-assign]
    return made


def test_attention_by_hand_and_its_axis() -> None:
    torch.manual_seed(0)
    values, mask = torch.randn(2, 4, 6), torch.tensor([[True] * 4, [True, True, False, False]])
    values = values * mask[..., None]
    made = identity(ConversationAttention(6, 3))
    found, weights = made(values, mask)
    for half, similarity, attended in zip(
        (slice(3), slice(3, 6)), made.similarities, weights, strict=True
    ):
        state = values[1, :2, half]
        key = similarity(state)
        expected = (key @ key.T).softmax(dim=1)
        torch.testing.assert_close(attended[1, :2, :2], expected)
        torch.testing.assert_close(found[1, :2, half], expected @ state)
        torch.testing.assert_close(attended[0].sum(dim=1), torch.ones(4))
        assert attended[1, :, 2:].eq(0).all()
    assert found[1, 2:].eq(0).all()
    released = identity(ConversationAttention(6, 3, released_axis=True))
    released.load_state_dict(made.state_dict())
    for attended, other in zip(weights, released(values, mask)[1], strict=True):
        torch.testing.assert_close(other[0].sum(dim=0), torch.ones(4))
        torch.testing.assert_close(other[0], attended[0].T)  # Z Z^T is symmetric


def test_projected_values() -> None:
    """A Z instead of A O, as released."""
    torch.manual_seed(0)
    values, mask = torch.randn(1, 4, 6), torch.ones(1, 4, dtype=torch.bool)
    made = identity(ConversationAttention(6, 3, released_axis=True, projected_values=True))
    found, weights = made(values, mask)
    for half, similarity, attended in zip(
        (slice(3), slice(3, 6)), made.similarities, weights, strict=True
    ):
        torch.testing.assert_close(found[0, :, half], attended[0] @ similarity(values[0, :, half]))


def test_without_recurrence_the_conversation_has_no_order() -> None:
    values, mask, order = (
        torch.randn(1, 5, 6),
        torch.ones(1, 5, dtype=torch.bool),
        torch.tensor([3, 1, 4, 0, 2]),
    )
    made = identity(ConversationAttention(6, 3))
    torch.testing.assert_close(made(values[:, order], mask)[0], made(values, mask)[0][:, order])


def test_the_transformer_has_no_positions() -> None:
    """The same permutation of both modalities permutes the result; of one only, it changes it."""
    made, order, torch_mask = (
        fusion(),
        torch.tensor([2, 0, 3, 1]),
        torch.ones(1, 4, dtype=torch.bool),
    )
    given = {name: torch.randn(1, 4, 6) for name in SIZES}
    masks = dict.fromkeys(SIZES, torch_mask)
    plain = made._mixed(given, masks)
    both = made._mixed({name: values[:, order] for name, values in given.items()}, masks)
    torch.testing.assert_close(both, plain[:, order])
    one = made._mixed({**given, "audio": given["audio"][:, order]}, masks)
    assert not torch.allclose(one, plain[:, order], atol=1e-3) and not torch.allclose(
        one, plain, atol=1e-3
    )


def test_a_conversation_is_judged_alone_as_in_a_batch() -> None:
    made, given = fusion(), streams()
    together = made(given, context())
    for number in (0, 1):
        rows = (number == DIALOGUE).nonzero().flatten()
        alone = made(chosen(given, rows), context(rows))
        torch.testing.assert_close(alone.vector, together.vector[rows], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(
            alone.sequence.values, together.sequence.values[rows], atol=1e-6, rtol=1e-5
        )


def test_other_utterances_of_the_conversation_matter_and_other_conversations_do_not() -> None:
    made, given = fusion(), streams()
    changed = {**given, "text": Stream(given["text"].values.clone(), given["text"].mask)}
    changed["text"].values[0] += 1.0
    moved = (made(changed, context()).vector - made(given, context()).vector).abs().amax(
        dim=1
    ) > 1e-6
    assert torch.equal(moved, DIALOGUE == 0)


def test_an_absent_modality_is_ignored_by_the_whole_conversation() -> None:
    made, given = fusion(), streams()
    mask = given["text"].mask.clone()
    mask[0] = False
    found = [
        made(
            {
                **given,
                "text": Stream(given["text"].values.masked_fill(~mask[..., None], filling), mask),
            },
            context(),
        )
        for filling in (0.0, float("nan"))
    ]
    assert torch.equal(found[0].vector, found[1].vector) and torch.isfinite(found[1].vector).all()
    assert found[1].vector[0, 8:].eq(0).all() and not found[1].vector[0, :8].eq(0).any()
    assert found[1].sequence.mask[0].tolist() == [True, False]


def test_attention_weights_belong_to_the_rows() -> None:
    weights = fusion()(streams(), context(), need_attention=True).attention
    assert list(weights) == ["audio_forward", "audio_backward", "text_forward", "text_backward"]
    for found in weights.values():
        assert found.shape == (7, 4)
        torch.testing.assert_close(found.sum(dim=1), torch.ones(7))
        assert found[DIALOGUE == 0, 3].eq(0).all()


@pytest.mark.parametrize("stage", ["sequence", "vector"])
def test_two_conversations_are_learnt_by_heart(stage: str) -> None:
    made, given = fusion(hidden_size=12, size=24, inner_size=48), streams(6)
    place = Context(torch.arange(6) // 3, torch.arange(6) % 3, torch.zeros(6, dtype=torch.long))
    target, head = torch.arange(6) % 4, nn.Linear(48, 4)
    optimizer = torch.optim.Adam([*made.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(200):
        found = made(given, place)
        logits = head(found.vector if stage == "vector" else found.sequence.values.flatten(1))
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 200 steps")

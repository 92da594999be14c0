"""Which passes are replayed and what becomes of their gradients.

On a machine without a GPU a recording computes again: all else is as it is there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import pytest
import torch
from torch import Tensor

from mmser.core.batch import Stream, empty_context
from mmser.core.task import Task
from mmser.models.encoders.sequence.recurrent import RecurrentEncoder
from mmser.models.fusion.mcsan import MCSAN
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.models.replay import forward, recorded
from mmser.models.replay.forward import GraphedForward, bucket, use_cuda_graphs

SIZES = {"audio": 3, "text": 5}
TASK = Task(classes=("angry", "sad"))


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def warm_up(*work: Callable[[], None]) -> None:
        for part in work:
            part()

    def record(work: Callable[[], None], pool: object) -> Callable[[], None]:
        def again() -> None:
            with torch.enable_grad():
                work()

        work()
        return again

    monkeypatch.setattr(forward, "on_gpu", lambda values: True)
    monkeypatch.setattr(recorded, "warm_up", warm_up)
    monkeypatch.setattr(recorded, "record", record)
    monkeypatch.setattr(recorded, "new_pool", object)
    monkeypatch.setattr(recorded, "unchanged_chance", nullcontext)


def model() -> MultimodalModel:
    torch.manual_seed(0)
    encoders = {name: partial(RecurrentEncoder, hidden_size=4) for name in SIZES}
    fusion = partial(MCSAN, size=8, heads=2, inner_size=8, dropout=0.0)
    return build_model(encoders, fusion, Classifier, SIZES, TASK).train()


def batch(longest: int, seed: int = 0) -> dict[str, Stream]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(longest) < torch.tensor([longest, 2, 1])[:, None]
    return {
        name: Stream(torch.randn(3, longest, size, generator=generator), mask)
        for name, size in SIZES.items()
    }


def loss(made: MultimodalModel, streams: dict[str, Stream]) -> Tensor:
    logits = made(streams, empty_context(3)).logits
    assert logits is not None
    return torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 0]))


def gradients(made: MultimodalModel) -> dict[str, Tensor]:
    return {n: p.grad.clone() for n, p in made.named_parameters() if p.grad is not None}


def same(made: MultimodalModel, plain: MultimodalModel) -> None:
    expected, found = gradients(plain), gradients(made)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, msg=name)


def twins() -> tuple[MultimodalModel, MultimodalModel, GraphedForward]:
    """A model, and one that is replayed."""
    plain, made = model(), model()
    use_cuda_graphs(made)
    assert isinstance(made.forward, GraphedForward)
    return plain, made, made.forward


@pytest.mark.parametrize(
    ("steps", "room"), [(1, 8), (8, 8), (9, 16), (33, 40), (467, 512), (1000, 1024)]
)
def test_buckets(steps: int, room: int) -> None:
    assert bucket(steps) == room


def test_padded_up_to_its_bucket_a_batch_has_the_same_gradients() -> None:
    plain, made, replayed = twins()
    for longest, seed in ((5, 0), (7, 1), (12, 2), (6, 3)):
        for one in (plain, made):
            one.zero_grad()
            loss(one, batch(longest, seed)).backward()
        same(made, plain)
    assert len(replayed._passes) == 2


def test_gradients_add_up_over_batches() -> None:
    plain, made, _ = twins()
    for one in (plain, made):
        for longest, seed in ((5, 0), (6, 1), (12, 2), (5, 3)):
            loss(one, batch(longest, seed)).backward()
    same(made, plain)


def test_zeroed_gradients_are_not_counted_twice() -> None:
    plain, made, _ = twins()
    for one in (plain, made):
        for seed in (0, 1):
            one.zero_grad(set_to_none=False)
            loss(one, batch(5, seed)).backward()
    same(made, plain)


def test_two_passes_before_a_backward_one() -> None:
    """The second must not overwrite what the first needs."""
    plain, made, _ = twins()
    for one in (plain, made):
        for _round in range(2):
            one.zero_grad()
            (loss(one, batch(5, 0)) + loss(one, batch(6, 1))).backward()
    same(made, plain)


def test_a_pass_that_nothing_was_learnt_from_is_forgotten() -> None:
    _, made, replayed = twins()
    loss(made, batch(5))
    loss(made, batch(5)).backward()
    assert len(replayed._passes) == 1 and replayed._can_replay(batch(5), empty_context(3))


def test_other_weights_in_its_place_are_computed_with() -> None:
    plain, made, _ = twins()
    others = {name: p.detach() * 1.5 for name, p in made.named_parameters()}
    call = torch.func.functional_call
    streams = batch(5)
    loss(made, streams).backward()
    expected = call(plain, others, (streams, empty_context(3))).logits
    torch.testing.assert_close(call(made, others, (streams, empty_context(3))).logits, expected)


def test_evaluation_and_attention_are_computed_as_before() -> None:
    plain, made, replayed = twins()
    streams = batch(5)
    out = made(streams, empty_context(3), need_attention=True)
    assert out.attention and not replayed._passes
    with torch.no_grad():
        torch.testing.assert_close(
            made.eval()(streams, empty_context(3)).logits,
            plain.eval()(streams, empty_context(3)).logits,
        )
    assert not replayed._passes


def test_what_waits_for_the_gpu_goes_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def waits(*work: Callable[[], None]) -> None:
        raise RuntimeError("called a synchronizing CUDA operation")

    monkeypatch.setattr(recorded, "warm_up", waits)
    plain, made, replayed = twins()
    for one in (plain, made):
        loss(one, batch(5)).backward()
    same(made, plain)
    assert replayed._unfit and "a synchronizing CUDA operation" in caplog.text


def test_beyond_the_most_a_longer_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "MOST", 1)
    plain, made, replayed = twins()
    for longest in (15, 8, 40):
        for one in (plain, made):
            one.zero_grad()
            loss(one, batch(longest)).backward()
        same(made, plain)
    assert len(replayed._passes) == 1


def test_names_of_weights_stay_and_a_copy_is_its_own() -> None:
    plain, made, replayed = twins()
    loss(made, batch(5)).backward()
    assert made.state_dict().keys() == plain.state_dict().keys()
    other = copy.deepcopy(made)
    assert other.forward is not replayed and not other.forward._passes  # type: ignore[attr-defined]
    assert other.forward._model is other  # type: ignore[attr-defined]

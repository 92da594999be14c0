"""Acceptance checks of the listener-adaptive model: identity start, listeners, consensus, synthetic
listeners.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from makers.steps import losses_of
from torch.nn import functional as F

from mmser.composition import compose
from mmser.core.batch import Batch, Context, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.fusion.listener_adaptive import ListenerAdaptive
from mmser.models.heads.listener_mean import ListenerMean
from mmser.models.layers.dense.modulation import ModulatedLSTM
from mmser.models.layers.time.recurrent import Recurrent
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.objectives.paradigms.listener import ListenerVotes

CLASSES = ("neutral", "happy", "angry", "sad")
SMALL: dict[str, Any] = {
    "channels": (2, 3, 4),
    "hidden_size": 4,
    "heads": 2,
    "attention_size": 5,
    "size": 6,
}
KINDS = [
    ("linear",),
    ("recurrence",),
    ("convolution",),
    ("output",),
    ("linear", "recurrence", "convolution", "output"),
]


class Identity(torch.nn.Module):
    def __init__(self, input_size: int) -> None:
        super().__init__()
        self.output_size = input_size

    def forward(self, stream: Stream) -> Stream:
        return stream


def task(*labels: int, classes: tuple[str, ...] = CLASSES) -> Task:
    """Listeners with so many labels each, spread over the classes and one more."""
    size = len(classes) + 1
    counts = tuple(tuple(n // size + (n % size > i) for i in range(size)) for n in labels)
    return Task(
        classes, listeners=tuple(f"c/E{i}" for i in range(len(labels))), listener_counts=counts
    )


def made(task: Task, bins: int = 16, **options: Any) -> MultimodalModel:
    torch.manual_seed(0)
    options = {**SMALL, **options}
    fusion = lambda input_sizes, task: ListenerAdaptive(input_sizes, task, **options)  # noqa: E731
    shared = {"adapt": options.get("adapt", ("linear",)), "code_size": options.get("code_size", 32)}
    head = lambda input_size, task: ListenerMean(input_size, task, size=options["size"], **shared)  # noqa: E731
    return build_model({"audio": Identity}, fusion, head, {"audio": bins}, task)


def audio(lengths: tuple[int, ...] = (16, 11), bins: int = 16) -> dict[str, Stream]:
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    values = torch.randn(
        len(lengths), max(lengths), bins, generator=torch.Generator().manual_seed(1)
    )
    return {"audio": Stream(values.masked_fill(~mask[..., None], float("nan")), mask)}


def asking(listeners: list[list[int]]) -> Context:
    return replace(empty_context(len(listeners)), listeners=torch.tensor(listeners))


def shaken(model: MultimodalModel) -> MultimodalModel:
    """Adapters that do something."""
    torch.manual_seed(5)
    for name, parameter in model.named_parameters():
        if ".on_" in name or ".codes" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return model


def per_listener(
    model: MultimodalModel, streams: dict[str, Stream], listeners: list[list[int]]
) -> torch.Tensor:
    vector = model(streams, asking(listeners)).vector
    return model.head.listener_logits(vector).softmax(-1)  # type: ignore[operator]


def test_the_published_shapes_and_count() -> None:
    fusion = ListenerAdaptive({"audio": 400})
    head = ListenerMean(fusion.output_size, Task(CLASSES))
    count = sum(p.numel() for part in (fusion, head) for p in part.parameters())
    assert count == pytest.approx(1_864_881, rel=0.02)
    stream = {"audio": Stream(torch.randn(2, 400, 400), torch.ones(2, 400, dtype=torch.bool))}
    with torch.no_grad():
        fused = fusion.eval()(stream, empty_context(2), need_attention=True)
    assert fused.attention["audio"].shape == (2, 4, 50)
    assert head.listener_logits(fused.vector).shape == (2, 1, 5)
    assert head(fused.vector)[0].shape == (2, 4)
    adapted = ListenerAdaptive({"audio": 400}, task(600, 600, 600), code_size=32)
    assert sum(p.numel() for p in adapted.on_linear.parameters()) == 4224


@pytest.mark.parametrize("adapt", KINDS, ids="+".join)
def test_a_fresh_adapter_changes_nothing_for_anyone(adapt: tuple[str, ...]) -> None:
    baseline, adapted = (
        made(task(200, 200), adapt=()).eval(),
        made(task(200, 200), adapt=adapt).eval(),
    )
    adapted.load_state_dict(baseline.state_dict(), strict=False)
    streams = audio()
    wanted = per_listener(baseline, streams, [[0, 1, 2]] * 2)
    torch.testing.assert_close(
        per_listener(adapted, streams, [[0, 1, 2]] * 2), wanted, atol=1e-6, rtol=1e-6
    )
    torch.testing.assert_close(
        adapted(streams, empty_context(2)).logits,
        baseline(streams, empty_context(2)).logits,
        atol=1e-6,
        rtol=1e-6,
    )


def test_the_last_layer_is_scaled_and_shifted_by_each_listeners_code() -> None:
    """y = gamma * (W x + b) + beta, without a ReLU, by hand."""
    model, streams = shaken(made(task(200, 200), adapt=("output",), code_size=3)).eval(), audio()
    head, codes = model.head, model.fusion.codes.weight
    vector = model(streams, asking([[1, 0, 2]] * 2)).vector
    assert vector.shape == (2, 3 * (6 + 3))
    found = head.listener_logits(vector)
    for column, listener in enumerate([1, 0, 2]):
        features = vector[:, 9 * column : 9 * column + 6]
        torch.testing.assert_close(vector[0, 9 * column + 6 : 9 * (column + 1)], codes[listener])
        scale = 1.0 + codes[listener] @ head.on_logits.scale.weight.T + head.on_logits.scale.bias
        shift = codes[listener] @ head.on_logits.shift.weight.T + head.on_logits.shift.bias
        expected = scale * (features @ head.logits.weight.T + head.logits.bias) + shift
        torch.testing.assert_close(found[:, column], expected)
    assert (found < 0).any(), "no ReLU behind it"
    assert sum(p.numel() for p in head.on_logits.parameters()) == 2 * (3 * 5 + 5)


def test_one_word_steers_both_fully_connected_layers() -> None:
    config = compose("train", ["system=listener_adaptive_small", "corpus=generic", "protocol=synthetic4_loso5",
                               "model.fusion.adapt=[linear,output]"])  # fmt: skip
    parts = instantiate(config["model"], _convert_="all")
    model = build_model(
        parts["encoders"], parts["fusion"], parts["head"], {"audio": 40}, task(200, 200)
    )
    assert model.fusion.output_size == 2 * (32 + 8) == 2 * model.head.each
    assert model.fusion.on_linear is not None and model.head.on_logits is not None


def test_without_listeners_nothing_is_steered() -> None:
    model = made(Task(CLASSES), adapt=("linear", "output"))
    assert model.fusion.codes is None and model.head.on_logits is None
    assert model(audio(), empty_context(2)).logits.shape == (2, 4)


@pytest.mark.parametrize("adapt", KINDS, ids="+".join)
def test_many_listeners_at_once_are_each_alone(adapt: tuple[str, ...]) -> None:
    model, streams = shaken(made(task(200, 200, 3), adapt=adapt)).eval(), audio()
    together = per_listener(model, streams, [[0, 1, 2], [1, -100, 0]])
    for row, votes in enumerate([[0, 1, 2], [1, -100, 0]]):
        for column, listener in enumerate(votes):
            if listener >= 0:
                alone = per_listener(model, streams, [[listener]] * 2)[row, 0]
                torch.testing.assert_close(together[row, column], alone, atol=1e-5, rtol=1e-4)
    assert (together[0, 0] - together[0, 1]).abs().max() > 1e-3


def test_modulated_gates_equal_a_loop_over_time() -> None:
    torch.manual_seed(0)
    recurrence = Recurrent(3, 4, cell="lstm", bidirectional=False)
    gates = ModulatedLSTM(2, recurrence)
    for parameter in gates.parameters():
        torch.nn.init.normal_(parameter)
    values, codes = torch.randn(2, 5, 3), torch.randn(2, 2)
    found = gates(
        recurrence, values, torch.ones(2, 5, dtype=torch.bool), codes, torch.tensor([1, 0])
    )
    cell = recurrence.forwards[0]
    for row, code in enumerate([codes[1:], codes[:1]]):
        scale, shift = gates.gates[0](code)
        hidden = state = torch.zeros(1, 4)
        for step in range(5):
            z = (
                values[row, step] @ cell.weight_ih_l0.T
                + cell.bias_ih_l0
                + hidden @ cell.weight_hh_l0.T
            )
            i, f, g, o = (scale * (z + cell.bias_hh_l0) + shift).chunk(4, dim=1)
            state = f.sigmoid() * state + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * state.tanh()
            torch.testing.assert_close(found[row, step], hidden[0], atol=1e-6, rtol=1e-5)


def test_the_consensus_is_the_mean_over_known_listeners() -> None:
    model, streams = shaken(made(task(200, 200, 3))).eval(), audio()
    posterior = model(streams, empty_context(2)).logits.softmax(-1)
    both = per_listener(model, streams, [[0, 1]] * 2)
    expected = both.mean(dim=1)[:, :4]
    torch.testing.assert_close(posterior, expected / expected.sum(-1, keepdim=True))
    torch.testing.assert_close(posterior.sum(-1), torch.ones(2))
    swapped = model.head(model(streams, asking([[1, 0]] * 2)).vector)[0].softmax(-1)
    torch.testing.assert_close(swapped, posterior)
    single = shaken(made(task(200, 3))).eval()
    alone = per_listener(single, streams, [[0]] * 2)[:, 0, :4]
    torch.testing.assert_close(
        single(streams, empty_context(2)).logits.softmax(-1), alone / alone.sum(-1, keepdim=True)
    )


def test_with_few_labels_everyone_shares_the_other_code() -> None:
    model, streams = shaken(made(task(99, 50), min_labels=100)).eval(), audio()
    assert model.fusion.codes.num_embeddings == 1
    everyone = per_listener(model, streams, [[0, 1, 2]] * 2)
    torch.testing.assert_close(everyone, everyone[:, :1].expand_as(everyone))


def test_permuting_listeners_with_their_codes_changes_nothing() -> None:
    one, other = shaken(made(task(200, 200))).eval(), shaken(made(task(200, 200))).eval()
    with torch.no_grad():
        other.fusion.codes.weight.copy_(one.fusion.codes.weight[[1, 0, 2]])
    streams = audio()
    torch.testing.assert_close(
        per_listener(one, streams, [[0, 1]] * 2),
        per_listener(other, streams, [[1, 0]] * 2),
        atol=1e-6,
        rtol=1e-6,
    )


def votes(
    model: MultimodalModel, known: Task, listeners: list[list[int]], labels: list[list[int]]
) -> torch.Tensor:
    targets = {"listener": torch.tensor(listeners), "listener_emotion": torch.tensor(labels)}
    batch = Batch(("a", "b"), audio(), empty_context(2), targets)
    return losses_of(ListenerVotes(known, 0), model, batch)["listener_votes"]


@pytest.mark.parametrize("adapt", KINDS, ids="+".join)
def test_only_the_codes_of_who_voted_get_gradient(adapt: tuple[str, ...]) -> None:
    known = task(200, 200, 200, 5)
    model = shaken(made(known, adapt=adapt, dropout=0.0))
    votes(model, known, [[0, 2], [2, -100]], [[1, 3], [4, -100]]).backward()
    assert model.fusion.codes.weight.grad.ne(0).any(dim=1).tolist() == [True, False, True, False]
    missing = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert missing == []


def test_one_step_on_opposite_labels_tells_two_listeners_apart() -> None:
    known = task(200, 200)
    model = made(known, dropout=0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    votes(model, known, [[0, 1]] * 2, [[0, 1]] * 2).backward()
    optimizer.step()
    after = per_listener(model.eval(), audio(), [[0, 1]] * 2)
    assert (after[:, 0] - after[:, 1]).abs().max() > 1e-4


def test_every_listener_weighs_the_same() -> None:
    known = task(10, 1000, classes=("a",))
    weight = ListenerVotes(known, 0, min_labels=1).weight
    counts = torch.tensor([[5.0, 5.0], [500.0, 500.0]])
    totals = (weight[:2] * counts).sum(dim=1)
    torch.testing.assert_close(totals[0], totals[1])
    torch.testing.assert_close((weight[:2] * counts).sum() / counts.sum(), torch.tensor(1.0))
    assert weight[2].eq(0).all(), "nobody shares the last code"


@pytest.mark.parametrize(
    ("adapt", "least", "most"),
    [(("linear",), 0.95, 1.0), (("output",), 0.95, 1.0), ((), 0.0, 0.75)],
)
def test_listeners_who_swap_two_classes_are_learnt(
    adapt: tuple[str, ...], least: float, most: float
) -> None:
    """Two classes told by the band that sounds; the second listener calls one the other's name."""
    known = task(200, 200, classes=("low", "high"))
    model = made(known, bins=8, adapt=adapt, dropout=0.0, size=8)
    truth = torch.arange(32) % 2
    values = 0.3 * torch.randn(32, 8, 8, generator=torch.Generator().manual_seed(2))
    values += F.one_hot(truth, 2).repeat_interleave(4, dim=1)[:, None].float()
    targets = {
        "listener": torch.tensor([[0, 1]] * 32),
        "listener_emotion": torch.stack([truth, 1 - truth], dim=1),
    }
    streams = {"audio": Stream(values, torch.ones(32, 8, dtype=torch.bool))}
    batch = Batch(tuple(map(str, range(32))), streams, empty_context(32), targets)
    objective = ListenerVotes(known, 0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(90):
        optimizer.zero_grad()
        losses_of(objective, model, batch)["listener_votes"].backward()
        optimizer.step()
    guess = per_listener(model.eval(), streams, [[0, 1]] * 32).argmax(-1)
    right = (guess == targets["listener_emotion"]).float().mean()
    assert least <= float(right) <= most


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(
        MmserError, match="adapt of convolution, recurrence, linear, output; found head"
    ):
        ListenerAdaptive({"audio": 16}, adapt=("head",), **SMALL)
    with pytest.raises(MmserError, match="one stream, a spectrogram; found audio, text"):
        ListenerAdaptive({"audio": 16, "text": 8}, **SMALL)
    with pytest.raises(
        MmserError, match="single annotators' votes in the training fold; found none"
    ):
        ListenerVotes(Task(CLASSES), 0)
    with pytest.raises(MmserError, match="several times 64 features; found 65"):
        ListenerMean(65, Task(CLASSES))

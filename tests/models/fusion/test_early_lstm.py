"""The network of multistage fusion: acceptance checks 1 to 4 and 10 of its specification."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from makers.steps import losses_of
from torch import Tensor

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.metrics.regression import ccc
from mmser.models.fusion.early_lstm import EarlyLstm
from mmser.models.heads.classifier import Classifier
from mmser.models.heads.segment_average import SegmentAverage
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.objectives.losses.sequence_ccc import SequenceConcordance
from mmser.objectives.terms.concordance import concordance

TASK = Task(values=("arousal", "valence", "liking"))


class Same(torch.nn.Module):
    def __init__(self, input_size: int) -> None:
        super().__init__()
        self.output_size = input_size

    def forward(self, stream: Stream) -> Stream:
        return stream


def network(
    sizes: dict[str, int],
    hidden: tuple[int, ...] = (256, 128, 64),
    head=Classifier,
    dropout: float = 0.0,
):
    def fusion(input_sizes: dict[str, int]) -> EarlyLstm:
        return EarlyLstm(input_sizes, hidden, dropout)

    torch.manual_seed(0)
    return build_model(dict.fromkeys(sizes, Same), fusion, head, sizes, TASK)


def frames(batch: int, time: int, size: int, seed: int = 1) -> Stream:
    values = torch.randn(batch, time, size, generator=torch.Generator().manual_seed(seed))
    return Stream(values, torch.ones(batch, time, dtype=torch.bool))


def batch_of(features: Stream, labels: Stream) -> Batch:
    rows = len(features.mask)
    return Batch(
        tuple(map(str, range(rows))),
        {"audio": features},
        empty_context(rows),
        traces={"labels": labels},
    )


def test_shapes_and_parameter_count() -> None:
    with torch.device("meta"):
        model = network({"audio": 88})
        stream = Stream(torch.empty(2, 1768, 88), torch.empty(2, 1768, dtype=torch.bool))
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == 601_795 and count == pytest.approx(600_003, rel=0.02)
    assert stream.values.shape == (2, 1768, 88)
    small = network({"audio": 3}, (5, 4, 2))
    out = small({"audio": frames(2, 40, 3)}, empty_context(2))
    assert out.sequence is not None and small.head(out.sequence.values)[1].shape == (2, 40, 3)


def test_an_utterances_value_is_the_mean_over_its_frames() -> None:
    model = network({"audio": 3}, (5, 4)).eval()
    stream = frames(2, 9, 3)
    stream.mask[1, 6:] = False
    out = model({"audio": stream}, empty_context(2))
    each = model.head(out.sequence.values)[1]
    torch.testing.assert_close(out.values[0], each[0].mean(dim=0))
    torch.testing.assert_close(out.values[1], each[1, :6].mean(dim=0))


def test_concordance_worked_by_hand() -> None:
    x = torch.tensor([[-1.0], [1.0], [-1.0], [1.0]])
    assert concordance(x, x).item() == pytest.approx(1, abs=1e-6)
    assert concordance(-x, x).item() == pytest.approx(-1, abs=1e-6)
    assert concordance(x + 1, x).item() == pytest.approx(2 / 3, abs=1e-6)
    flat = torch.zeros(4, 1, requires_grad=True)
    concordance(flat, x).sum().backward()
    assert flat.grad is not None and flat.grad.isfinite().all()
    noisy, target = np.random.default_rng(0).standard_normal((2, 50)).astype(np.float32)
    found = concordance(torch.tensor(noisy)[:, None], torch.tensor(target)[:, None]).item()
    assert found == pytest.approx(ccc(target, noisy), abs=1e-5)


def gradients(
    model: MultimodalModel, objective: SequenceConcordance, batch: Batch
) -> tuple[Tensor, list[Tensor]]:
    model.zero_grad()
    loss = losses_of(objective, model, batch)["sequence_ccc"]
    loss.backward()
    return loss.detach(), [parameter.grad.clone() for parameter in model.parameters()]


def test_weights_switch_dimensions_off() -> None:
    model = network({"audio": 3}, (5, 4))
    objective = SequenceConcordance(TASK, 4, weights={"valence": 0.0, "liking": 0.0})
    gradients(model, objective, batch_of(frames(2, 12, 3), frames(2, 12, 3, 2)))
    grad = model.head.values.weight.grad
    assert grad[0].abs().sum() > 0 and grad[1:].eq(0).all()


def test_the_loss_is_the_formula_over_all_frames_with_the_delay() -> None:
    model = network({"audio": 3}, (5, 4)).eval()
    features, labels = frames(2, 12, 3), frames(2, 12, 3, 2)
    values = (
        model.head(model({"audio": features}, empty_context(2)).sequence.values)[1].detach().numpy()
    )
    wanted = sum(
        weight * (1 - ccc(labels.values[:, 2:, i].flatten().numpy(), values[:, :-2, i].flatten()))
        for i, weight in enumerate((0.7, 0.2, 1.0))
    )
    objective = SequenceConcordance(TASK, 4, weights={"arousal": 0.7, "valence": 0.2}, delay=2)
    assert losses_of(objective, model, batch_of(features, labels))[
        "sequence_ccc"
    ].item() == pytest.approx(wanted, abs=1e-5)


def test_padding_changes_neither_loss_nor_gradient() -> None:
    model, objective = network({"audio": 3}, (5, 4)), SequenceConcordance(TASK, 4)
    features, labels = frames(2, 12, 3), frames(2, 12, 3, 2)
    expected = gradients(model, objective, batch_of(features, labels))
    more = torch.full((2, 7, 3), float("nan"))
    longer = [
        Stream(
            torch.cat([stream.values, more], dim=1), torch.nn.functional.pad(stream.mask, (0, 7))
        )
        for stream in (features, labels)
    ]
    found = gradients(model, objective, batch_of(*longer))
    torch.testing.assert_close(found[0], expected[0])
    for one, other in zip(found[1], expected[1], strict=True):
        torch.testing.assert_close(one, other)


def test_unlabelled_frames_and_missing_traces() -> None:
    model, objective = network({"audio": 3}, (5, 4)), SequenceConcordance(TASK, 4)
    labels = frames(2, 12, 3, 2)
    labels.values[0, 3] = float("nan")
    labels.mask[1] = False
    loss, grads = gradients(model, objective, batch_of(frames(2, 12, 3), labels))
    assert loss.isfinite() and all(grad.isfinite().all() for grad in grads)
    labels.mask[:] = False
    assert (
        losses_of(objective, model, batch_of(frames(2, 12, 3), labels))["sequence_ccc"].item() == 0
    )


def test_without_traces_the_utterances_values_are_the_target() -> None:
    model, objective = network({"audio": 3}, (5, 4)).eval(), SequenceConcordance(TASK, 4)
    stream, target = frames(6, 12, 3), torch.randn(6, 3, generator=torch.Generator().manual_seed(3))
    batch = Batch(tuple("abcdef"), {"audio": stream}, empty_context(6), {"values": target})
    values = model({"audio": stream}, empty_context(6)).values
    expected = (1 - concordance(values, target)).sum()
    torch.testing.assert_close(losses_of(objective, model, batch)["sequence_ccc"], expected)


def test_a_tiny_corpus_is_overfitted() -> None:
    """Acceptance check 10: two sequences, concordance above 0.95 in every dimension."""
    model, objective = network({"audio": 4}, (32, 16)), SequenceConcordance(TASK, 16, delay=0)
    steps = torch.arange(24) / 24
    labels = torch.stack(
        [torch.sin(6 * steps + row + torch.arange(3)[:, None]).T for row in range(2)]
    )
    batch = batch_of(frames(2, 24, 4), Stream(labels, torch.ones(2, 24, dtype=torch.bool)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(400):
        optimizer.zero_grad()
        loss = losses_of(objective, model, batch)["sequence_ccc"]
        loss.backward()
        optimizer.step()
        if loss.item() < 0.1:
            break
    values = model.head(model({"audio": batch.streams["audio"]}, empty_context(2)).sequence.values)[
        1
    ]
    assert concordance(values.flatten(0, 1), labels.flatten(0, 1)).min() > 0.95


def test_an_absent_stream_is_zero_and_another_length_is_allowed() -> None:
    model = network({"audio": 3, "face": 2}, (5, 4)).eval()
    audio, face = frames(2, 12, 3), frames(2, 10, 2, 5)
    face.mask[0] = False
    face.values[0] = float("nan")
    out = model({"audio": audio, "face": face}, empty_context(2))
    assert (
        out.vector.isfinite().all()
        and out.sequence.mask.all()
        and out.sequence.mask.shape == (2, 12)
    )


def test_wrong_parts_are_named() -> None:
    with pytest.raises(
        MmserError, match=r"\(arousal, valence, liking\); found weights for tension"
    ):
        SequenceConcordance(TASK, 4, weights={"tension": 1.0})
    with pytest.raises(MmserError, match="a delay of 0 frames or more"):
        SequenceConcordance(TASK, 4, delay=-1)
    with pytest.raises(MmserError, match="a head for its frames"):
        SequenceConcordance(TASK, 4)(
            Outputs(torch.zeros(2, 4)), batch_of(frames(2, 5, 3), frames(2, 5, 3))
        )


def test_a_head_of_segments_answers_at_every_frame() -> None:
    model = network({"audio": 3}, (5, 4), SegmentAverage).eval()
    features, labels = frames(2, 9, 3), frames(2, 9, 3, 2)
    outputs = model({"audio": features}, empty_context(2), need_steps=True)
    expected = model.head.values(model.head.hidden(outputs.sequence.values))
    torch.testing.assert_close(outputs.steps.values, expected)
    loss = SequenceConcordance(TASK, 4, delay=0)(outputs, batch_of(features, labels))
    ccc_of_all = concordance(expected.flatten(0, 1), labels.values.flatten(0, 1))
    torch.testing.assert_close(loss["sequence_ccc"], (1 - ccc_of_all).sum())

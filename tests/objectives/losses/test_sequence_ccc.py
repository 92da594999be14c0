"""The concordance of frames from two tensors: what was answered, what was traced."""

from __future__ import annotations

import pytest
import torch

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.sequence_ccc import SequenceConcordance
from mmser.objectives.terms.concordance import concordance

TASK = Task(values=("arousal", "valence"))
NAN = float("nan")


def answered(values: torch.Tensor, mask: torch.Tensor) -> Outputs:
    """Outputs of values (batch, time, value) at the real steps of ``mask`` (batch, time)."""
    steps = Outputs(values, values=values)
    return Outputs(
        values.mean(1), values=values.mean(1), sequence=Stream(values, mask), steps=steps
    )


def traced(labels: torch.Tensor, mask: torch.Tensor) -> Batch:
    rows = len(labels)
    traces = {"labels": Stream(labels, mask)}
    return Batch(tuple(map(str, range(rows))), {}, empty_context(rows), traces=traces)


def test_it_is_the_concordance_over_all_frames_of_the_batch() -> None:
    values, labels = torch.randn(2, 5, 2), torch.randn(2, 5, 2)
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    loss = SequenceConcordance(TASK, 4, {"valence": 0.5}, delay=0)
    found = loss(answered(values, mask), traced(labels, mask))["sequence_ccc"]
    each = 1 - concordance(values[mask], labels[mask])
    torch.testing.assert_close(found, each[0] + 0.5 * each[1])


def test_a_prediction_learns_the_label_that_comes_delay_frames_later() -> None:
    values, mask = torch.randn(1, 6, 2), torch.ones(1, 6, dtype=torch.bool)
    late = values.roll(2, dims=1)
    loss = SequenceConcordance(TASK, 4, delay=2)(answered(values, mask), traced(late, mask))
    assert loss["sequence_ccc"].item() == pytest.approx(0.0, abs=1e-5)


def test_a_label_is_nan_where_it_or_the_prediction_is_missing() -> None:
    values, labels = torch.randn(1, 4, 2), torch.randn(1, 4, 2)
    labels[0, 1] = NAN
    mask = torch.tensor([[True, True, False, True]])
    loss = SequenceConcordance(TASK, 4, delay=0)
    paired = loss.paired_frames(answered(values, mask), traced(labels, torch.ones_like(mask)))
    assert paired is not None
    assert paired[1][0, :, 0].isnan().tolist() == [False, True, True, False]
    assert paired[0].isfinite().all()


def test_steps_are_asked_for_where_labels_are_traced() -> None:
    loss, mask = SequenceConcordance(TASK, 4), torch.ones(2, 3, dtype=torch.bool)
    assert loss.needs_steps(traced(torch.randn(2, 3, 2), mask))
    target = {"values": torch.randn(2, 2)}
    plain = Batch(("a", "b"), {}, empty_context(2), target)
    assert not loss.needs_steps(plain)
    outputs = Outputs(torch.zeros(2, 4), values=torch.randn(2, 2))
    expected = (1 - concordance(outputs.values, target["values"])).sum()
    torch.testing.assert_close(loss(outputs, plain)["sequence_ccc"], expected)


def test_a_model_without_answers_at_every_step_is_refused() -> None:
    mask = torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(MmserError, match="a fused sequence and a head for its frames; found none"):
        SequenceConcordance(TASK, 4)(Outputs(torch.zeros(2, 4)), traced(torch.randn(2, 3, 2), mask))

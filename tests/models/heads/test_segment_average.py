"""Step by step judgement: the head, its fusion and the loss of single segments."""

import math

import pytest
import torch

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.fusion.step_concat import StepConcat
from mmser.models.heads.segment_average import SegmentAverage, log_mean_probability
from mmser.models.multimodal import build_model

TASK = Task(classes=("a", "b", "c"), values=("valence",))
MASK = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])


def test_softmax_of_the_logits_is_the_mean_probability() -> None:
    steps = torch.randn(3, 3, 4)
    found = log_mean_probability(steps, MASK).softmax(dim=1)
    torch.testing.assert_close(found[0], steps[0].softmax(dim=1).mean(dim=0))
    torch.testing.assert_close(found[1], steps[1, 0].softmax(dim=0))
    torch.testing.assert_close(found[2], torch.full((4,), 0.25))


def test_means_over_real_steps() -> None:
    head = SegmentAverage(5, TASK, hidden_sizes=[4], average="logits")
    values = torch.randn(3, 3, 5)
    logits, estimates = head(Stream(values.masked_fill(~MASK[..., None], math.nan), MASK))
    torch.testing.assert_close(logits[0], head.logits(head.hidden(values[0])).mean(dim=0))
    torch.testing.assert_close(estimates[1], head.values(head.hidden(values[1, 0])))


def test_wrong_choices_are_errors() -> None:
    with pytest.raises(
        MmserError, match="average probabilities, log_probabilities or logits; found 'votes'"
    ):
        SegmentAverage(5, TASK, average="votes")
    with pytest.raises(MmserError, match="classes or values; found neither"):
        SegmentAverage(5, Task())
    with pytest.raises(MmserError, match="a stream among audio; found 'text'"):
        StepConcat({"audio": 4}, leading="text")


def test_the_leading_stream_keeps_its_steps() -> None:
    audio = Stream(torch.randn(3, 3, 2), MASK)
    text = Stream(torch.randn(3, 2, 4), torch.tensor([[True, True], [True, False], [True, True]]))
    fused = StepConcat({"audio": 2, "text": 4})({"audio": audio, "text": text}, empty_context(3))
    assert fused.sequence is not None
    assert fused.sequence.mask.tolist() == [[True] * 3, [True, False, False], [True, False, False]]
    torch.testing.assert_close(
        fused.sequence.values[0, 1], torch.cat([audio.values[0, 1], text.values[0].mean(dim=0)])
    )
    torch.testing.assert_close(
        fused.sequence.values[2, 0], torch.cat([torch.zeros(2), text.values[2].mean(dim=0)])
    )
    assert fused.vector.shape == (3, 6)


def test_steps_are_judged_each_by_itself() -> None:
    model = build_model({"audio": Identity}, StepConcat, SegmentAverage, {"audio": 5}, TASK).eval()
    stream = Stream(torch.randn(3, 3, 5), MASK)
    steps = model({"audio": stream}, empty_context(3), need_steps=True).steps
    alone = Stream(stream.values[:, 1:2], torch.ones(3, 1, dtype=torch.bool))
    logits, _ = model.head.steps(alone)
    torch.testing.assert_close(steps.logits[0, 1], logits[0, 0])
    torch.testing.assert_close(logits.softmax(-1).log()[:, 0], model.head(alone)[0])

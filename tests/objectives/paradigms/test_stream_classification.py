"""Classifiers of single streams: which parts of the model run, and what counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from makers.steps import losses_of
from torch import Tensor, nn

from mmser.core.batch import Batch, Context, Outputs, Stream
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.paradigms.stream_classification import StreamClassification

TASK = Task(classes=("angry", "sad"))


def batch(dialogue: Tensor, target: Tensor, streams: dict[str, Stream] | None = None) -> Batch:
    rows = torch.zeros_like(dialogue)
    return Batch(
        tuple(map(str, range(len(rows)))),
        streams or {},
        Context(dialogue, rows, rows),
        {"emotion": target},
    )


class Said(nn.Module):
    def __init__(self, **answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, *_: Any) -> Outputs:
        return Outputs(torch.zeros(1), **self.answer)


def test_only_the_encoders_named_run_and_absent_streams_do_not_count() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoders = nn.ModuleDict({"audio": nn.Identity()})

        def forward(self, *_: Any) -> Outputs:
            raise AssertionError("the whole model is not asked")

    values, mask = torch.randn(3, 2, 4), torch.tensor([[True, True], [True, False], [False, False]])
    streams = {name: Stream(values, mask) for name in ("audio", "text")}
    given = batch(torch.arange(3), torch.tensor([0, 1, 1]), streams)
    objective = StreamClassification(TASK, 1, {"audio": 4})
    losses = losses_of(objective, Model(), given)
    vectors = torch.stack([values[0].mean(0), values[1, 0]])
    expected = nn.functional.cross_entropy(objective.outputs[0](vectors), torch.tensor([0, 1]))
    assert list(losses) == ["audio"]
    with pytest.raises(MmserError, match="an encoder for each stream text; found none for text"):
        losses_of(StreamClassification(TASK, 1, {"text": 4}), Model(), given)
    torch.testing.assert_close(losses["audio"], expected)


def test_steps_of_the_sequence_are_classified_apart() -> None:
    steps, mask = torch.randn(3, 2, 4), torch.tensor([[True, True], [True, False], [True, True]])
    given = batch(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]))
    objective = StreamClassification(TASK, 1, {"audio": 4, "text": 4}, "sequence", "conversations")
    losses = losses_of(objective, Said(sequence=Stream(steps, mask)), given)
    each = nn.functional.cross_entropy(
        objective.outputs[1](steps[[0, 2], 1]), torch.tensor([0, 1]), reduction="none"
    )
    torch.testing.assert_close(losses["text"], each.mean())
    with pytest.raises(MmserError, match="one step per stream audio, text; found none"):
        losses_of(objective, Said(), given)


def test_settings_that_cannot_be() -> None:
    with pytest.raises(MmserError, match="found heads, utterances"):
        StreamClassification(TASK, 1, {"audio": 4}, "heads")  # type: ignore[arg-type]

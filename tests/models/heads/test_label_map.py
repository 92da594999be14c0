"""A published recogniser's answers under the names of a task."""

from __future__ import annotations

import pytest
import torch

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.heads.label_map import LabelMap


def test_labels_of_one_class_share_their_probabilities_and_others_take_none() -> None:
    task = Task(classes=("angry", "happy", "sad"))
    head = LabelMap(4, task, ["happy", None, "happy", "angry"])
    vector = torch.tensor([[1.0, 9.0, 0.5, 2.0]])
    logits, values = head(vector)
    assert values is None and logits is not None
    shares = vector[0, [0, 2, 3]].softmax(dim=0)
    expected = torch.tensor([shares[2], shares[0] + shares[1], 0.0])
    torch.testing.assert_close(logits.softmax(dim=1)[0], expected)


def test_probabilities_are_taken_as_they_are() -> None:
    task = Task(classes=("angry", "happy"))
    head = LabelMap(4, task, ["happy", "angry", "happy", None], probabilities=True)
    logits, _ = head(torch.tensor([[0.5, 0.2, 0.1, 0.2], [0.0, 0.0, 0.0, 1.0]]))
    assert logits is not None
    shares = logits.softmax(dim=1)
    torch.testing.assert_close(shares[0], torch.tensor([0.25, 0.75]))
    assert torch.isfinite(shares).all()


def test_values_go_to_the_protocols_scale() -> None:
    task = Task(values=("valence", "arousal"))
    answers = ["arousal", "dominance", "valence"]
    ranges = {"valence": (1, 5), "arousal": (-1, 1)}
    logits, values = LabelMap(3, task, answers, value_range=ranges)(torch.tensor([[0.25, 9, 1.0]]))
    assert logits is None
    torch.testing.assert_close(values, torch.tensor([[5.0, -0.5]]))
    _, plain = LabelMap(3, task, answers)(torch.tensor([[0.25, 9, 1.0]]))
    torch.testing.assert_close(plain, torch.tensor([[1.0, 0.25]]))


@pytest.mark.parametrize("answers", [["low", "high"], ["valence", None]])
def test_answers_to_something_else_are_refused(answers: list[str | None]) -> None:
    with pytest.raises(MmserError, match="answers to what the protocol asks: valence, arousal"):
        LabelMap(2, Task(values=("valence", "arousal")), answers)
    with pytest.raises(MmserError, match="one name for each of the 3 answers"):
        LabelMap(3, Task(values=("valence",)), answers)

"""The classifier answers what the task asks, and nothing else."""

import pytest
import torch

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.heads.classifier import Classifier

VECTOR = torch.randn(3, 6)


@pytest.mark.parametrize(
    ("classes", "values"),
    [(("a", "b"), ()), ((), ("valence",)), (("a", "b"), ("valence", "arousal"))],
)
def test_classifier_follows_the_task(classes: tuple[str, ...], values: tuple[str, ...]) -> None:
    logits, estimates = Classifier(6, Task(classes, values), hidden_sizes=[5, 4])(VECTOR)
    assert (logits is None) == (not classes) and (
        logits is None or logits.shape == (3, len(classes))
    )
    assert (estimates is None) == (not values) and (
        estimates is None or estimates.shape == (3, len(values))
    )


def test_uniform_start() -> None:
    head = Classifier(6, Task(("a", "b")), uniform=0.25)
    assert head.logits is not None
    assert head.logits.weight.abs().max() <= 0.25 and head.logits.bias.eq(0).all()


def test_a_task_without_anything_to_predict_is_an_error() -> None:
    with pytest.raises(MmserError, match="classes or values; found neither"):
        Classifier(6, Task())


def test_a_norm_before_each_activation() -> None:
    head = Classifier(6, Task(("a", "b")), hidden_sizes=[5], layer_norm=True)
    names = [type(layer).__name__ for layer in head.hidden]
    assert names == ["Dropout", "Linear", "LayerNorm", "ReLU", "Dropout"]
    plain = Classifier(6, Task(("a", "b")), hidden_sizes=[5])
    assert "LayerNorm" not in [type(layer).__name__ for layer in plain.hidden]

"""The two losses of a mixed vector by hand; padding and validation are untouched."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from mmser.core.batch import Batch, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.fusion.concat import Concat
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import build_model
from mmser.objectives.losses.classification import CrossEntropy
from mmser.objectives.paradigms.mixup import Mixup

CLASSES = Task(classes=("a", "b", "c"), class_counts=(1, 1, 1))


def model() -> Any:
    torch.manual_seed(0)
    head = partial(Classifier, hidden_sizes=[4])
    return build_model(
        {"tone": Identity}, partial(Concat, pooling="mean"), head, {"tone": 5}, CLASSES
    )


def batch(padding: float = 0.0, extra: int = 0) -> Batch:
    values = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(1))
    mask = torch.arange(4) < torch.tensor([4, 1, 3, 2, 4, 2])[:, None]
    values = values.masked_fill(~mask[..., None], padding)
    values = torch.cat([values, torch.full((6, extra, 5), padding)], dim=1)
    mask = nn.functional.pad(mask, (0, extra))
    targets = {"emotion": torch.tensor([0, 1, 2, 0, 1, 2])}
    return Batch(tuple("abcdef"), {"tone": Stream(values, mask)}, empty_context(6), targets)


def loss_of(objective: Mixup, network: Any, given: Batch) -> torch.Tensor:
    torch.manual_seed(5)
    return objective.step(network, given, 0.0).losses["cross_entropy"]


def test_the_loss_is_that_of_both_labels() -> None:
    objective, network, given = Mixup(CLASSES, 5, CrossEntropy, 0.4).train(), model(), batch()
    told = loss_of(objective, network, given)
    torch.manual_seed(5)
    share, partner = torch.distributions.Beta(0.4, 0.4).sample(), torch.randperm(6)
    vector = network(given.streams, given.context).vector
    logits, _ = network.head(share * vector + (1 - share) * vector[partner])
    target = given.targets["emotion"]
    expected = share * nn.functional.cross_entropy(logits, target)
    expected += (1 - share) * nn.functional.cross_entropy(logits, target[partner])
    torch.testing.assert_close(told, expected)
    assert 0.01 < share < 0.99 and partner.tolist() != list(range(6))


def test_padding_changes_nothing() -> None:
    objective, network = Mixup(CLASSES, 5, CrossEntropy).train(), model()
    torch.testing.assert_close(
        loss_of(objective, network, batch(float("nan"), extra=3)),
        loss_of(objective, network, batch()),
    )


def test_validation_mixes_nothing() -> None:
    objective, network, given = Mixup(CLASSES, 5, CrossEntropy).eval(), model().eval(), batch()
    outputs = network(given.streams, given.context)
    plain = CrossEntropy(CLASSES, 5)(outputs, given)["cross_entropy"]
    torch.testing.assert_close(loss_of(objective, network, given), plain)


def test_what_cannot_be_mixed_is_refused() -> None:
    with pytest.raises(MmserError, match="alpha above 0; found 0"):
        Mixup(CLASSES, 5, CrossEntropy, 0.0)
    with pytest.raises(MmserError, match="a loss of the model's logits, values and vector"):
        Mixup(CLASSES, 5, lambda **_: nn.Identity())

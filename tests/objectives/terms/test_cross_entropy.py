"""The mean over labelled rows is torch's; without a label it is zero, with graph."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Outputs
from mmser.core.errors import MmserError
from mmser.objectives.terms.cross_entropy import class_logits, labelled_cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_it_is_torchs_mean_over_the_labelled_rows(smoothing: float) -> None:
    logits, target = torch.randn(4, 3), torch.tensor([0, 2, UNLABELLED, 1])
    expected = F.cross_entropy(logits, target, label_smoothing=smoothing)
    torch.testing.assert_close(labelled_cross_entropy(logits, target, smoothing), expected)


def test_no_label_gives_zero_with_graph() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    loss = labelled_cross_entropy(logits, torch.full((2,), UNLABELLED))
    assert loss.item() == 0.0
    assert torch.equal(torch.autograd.grad(loss, logits)[0], torch.zeros(2, 3))


def test_logits_are_float32_also_under_mixed_precision() -> None:
    outputs = Outputs(torch.zeros(2, 1), torch.zeros(2, 3, dtype=torch.bfloat16))
    assert class_logits(outputs).dtype == torch.float32


def test_values_alone_are_no_logits() -> None:
    with pytest.raises(MmserError, match="a model with class logits; found none"):
        class_logits(Outputs(torch.zeros(2, 1), values=torch.zeros(2, 1)))

"""The concordance loss against hand-worked cases (multistage SVR, acceptance checks 2 to 4) and
NumPy.
"""

import pytest
import torch

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.regression import ConcordanceLoss, MeanSquaredError, concordance


def test_a_nan_row_of_one_value_is_ignored_there_alone(given, batch, task):
    values, target = torch.randn(6, 3), torch.randn(6, 3)
    target[2, 1] = torch.nan
    loss = ConcordanceLoss(task, 2, [1.0, 1.0, 1.0])(given(values=values), batch(values=target))[
        "ccc"
    ]
    kept = [0, 1, 3, 4, 5]
    parts = [
        concordance(values[:, [0]], target[:, [0]]),
        concordance(values[kept][:, [1]], target[kept][:, [1]]),
    ]
    parts.append(concordance(values[:, [2]], target[:, [2]]))
    torch.testing.assert_close(loss, 3.0 - torch.cat(parts).sum())


@pytest.mark.parametrize("make", [ConcordanceLoss, MeanSquaredError])
def test_weights_of_zero_leave_the_other_values_alone(given, batch, task, make):
    values = torch.randn(6, 3, requires_grad=True)
    (loss,) = make(task, 2, [1.0, 0.0, 0.0])(
        given(values=values), batch(values=torch.randn(6, 3))
    ).values()
    gradient = torch.autograd.grad(loss, values)[0]
    assert gradient[:, 0].abs().sum() > 0
    assert torch.equal(gradient[:, 1:], torch.zeros(6, 2))


@pytest.mark.parametrize("make", [ConcordanceLoss, MeanSquaredError])
@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_labelled_rows(given, batch, task, make, rows):
    values = torch.randn(4, 3, requires_grad=True)
    target = torch.full((4, 3), torch.nan)
    target[:rows] = 0.5
    (loss,) = make(task, 2)(given(values=values), batch(values=target)).values()
    gradient = torch.autograd.grad(loss, values)[0]
    assert loss.isfinite()
    assert gradient.isfinite().all()
    assert (loss.item() == 0.0) is (rows == 0 or make is ConcordanceLoss)


def test_mse_by_hand(given, batch):
    target = torch.tensor([[1.0, torch.nan], [3.0, 2.0]])
    objective = MeanSquaredError(Task(values=("valence", "arousal")), 2)
    loss = objective(given(values=torch.zeros(2, 2)), batch(values=target))["mse"]
    assert loss.item() == pytest.approx(((1 + 9) / 2 + 4) / 2)


def test_weights_must_fit_the_values(task):
    with pytest.raises(MmserError, match="a weight for each of valence, arousal, dominance"):
        ConcordanceLoss(task, 2, [1.0])


def test_values_are_needed():
    with pytest.raises(MmserError, match="a protocol with values"):
        ConcordanceLoss(Task(classes=("a",)), 2)


def test_a_model_without_values_is_refused(given, batch, task):
    with pytest.raises(MmserError, match="a model with values"):
        ConcordanceLoss(task, 2)(given(logits=torch.zeros(2, 3)), batch(values=torch.zeros(2, 3)))

"""Classification losses against torch's own, hand-worked weights and the checks of the Light-SERNet
specification.
"""

import math

import pytest
import torch
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.classification import (
    BalancedNLL,
    CrossEntropy,
    FocalLoss,
    SoftVotes,
    weigh_classes,
)

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [-1.0, 3.0, 0.0], [0.0, 0.0, 1.0]])
EMOTION = torch.tensor([0, 2, -100, 1])
ALL = [CrossEntropy, FocalLoss, BalancedNLL, SoftVotes]


@pytest.mark.parametrize("scheme", ["none", "inverse", "effective"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_is_torchs(given, batch, task, scheme, smoothing):
    objective = CrossEntropy(task, 2, class_weights=scheme, label_smoothing=smoothing)
    loss = objective(given(logits=LOGITS), batch(emotion=EMOTION))["cross_entropy"]
    expected = F.cross_entropy(
        LOGITS, EMOTION, weigh_classes(task, scheme), label_smoothing=smoothing
    )
    torch.testing.assert_close(loss, expected)


def test_inverse_weights_by_hand(task):
    # 1/10 : 1/30 : 1/60 = 6 : 2 : 1, scaled to mean 1.
    torch.testing.assert_close(weigh_classes(task, "inverse"), torch.tensor([2.0, 2 / 3, 1 / 3]))


def test_effective_weights_are_equation_3(task):
    raw = [0.1 / (1 - 0.9**count) for count in task.class_counts]
    expected = torch.tensor(raw) * 3 / sum(raw)
    torch.testing.assert_close(weigh_classes(task, "effective", beta=0.9), expected)


def test_a_class_without_training_rows_weighs_nothing():
    weights = weigh_classes(Task(classes=("a", "b", "c"), class_counts=(4, 0, 4)), "inverse")
    torch.testing.assert_close(weights, torch.tensor([1.0, 0.0, 1.0]))


def test_weights_need_counts():
    with pytest.raises(MmserError, match="count of each class"):
        weigh_classes(Task(classes=("a", "b")), "inverse")


def test_classes_are_needed():
    with pytest.raises(MmserError, match="a protocol with classes"):
        CrossEntropy(Task(values=("valence",)), 2)


def test_focal_with_gamma_0_is_cross_entropy(given, batch, task):
    focal = FocalLoss(task, 2, gamma=0.0)(given(logits=LOGITS), batch(emotion=EMOTION))["focal"]
    assert abs(float(focal) - float(F.cross_entropy(LOGITS, EMOTION))) < 1e-7


def test_focal_by_hand_and_its_gradient_is_smaller_for_easy_rows(given, batch, task):
    def loss_and_gradient(gamma):
        # Two equal other classes: p = 0.9.
        logits = torch.tensor([[math.log(18.0), 0.0, 0.0]], requires_grad=True)
        objective = FocalLoss(task, 2, gamma=gamma)
        loss = objective(given(logits=logits), batch(emotion=torch.tensor([0])))["focal"]
        return loss.item(), float(torch.autograd.grad(loss, logits)[0].norm())

    (plain, steep), (focal, flat) = loss_and_gradient(0.0), loss_and_gradient(2.0)
    assert plain == pytest.approx(-math.log(0.9), rel=1e-5)
    assert focal == pytest.approx(-(0.1**2) * math.log(0.9), rel=1e-4)
    assert flat < steep


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_gradient_is_finite_for_a_certain_row(given, batch, task, gamma):
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    loss = FocalLoss(task, 2, gamma=gamma)(given(logits=logits), batch(emotion=torch.tensor([0])))[
        "focal"
    ]
    assert torch.autograd.grad(loss, logits)[0].isfinite().all()


def test_balanced_nll_divides_by_rows(given, batch, task):
    loss = BalancedNLL(task, 2)(given(logits=LOGITS), batch(emotion=EMOTION))["balanced_nll"]
    rows = F.cross_entropy(LOGITS, EMOTION, weigh_classes(task, "inverse"), reduction="none")
    torch.testing.assert_close(loss, rows.sum() / 3)


def test_votes_and_fallbacks(given, batch, task):
    votes = torch.tensor([[0.5, 0.5, 0.0], [math.nan] * 3, [math.nan] * 3, [0.0, 0.0, 1.0]])
    data = batch(emotion=EMOTION, votes=votes)
    logp = LOGITS.log_softmax(dim=1)
    # Row 0 by its votes, row 1 by its hard label, row 2 has neither, row 3 by its votes against its
    # hard label.
    rows = [-(logp[0, 0] + logp[0, 1]) / 2, -logp[1, 2], -logp[3, 2]]
    cross = SoftVotes(task, 2, "cross_entropy")(given(logits=LOGITS), data)["soft_votes"]
    torch.testing.assert_close(cross, torch.stack(rows).mean())
    kl = SoftVotes(task, 2, "kl")(given(logits=LOGITS), data)["soft_votes"]
    torch.testing.assert_close(kl, cross - math.log(2.0) / 3)


@pytest.mark.parametrize("make", ALL)
def test_no_labelled_row_gives_zero_with_graph(given, batch, task, make):
    logits = LOGITS.clone().requires_grad_()
    losses = make(task, 2)(given(logits=logits), batch(emotion=torch.full((4,), -100)))
    (loss,) = losses.values()
    assert loss.item() == 0.0
    assert torch.equal(torch.autograd.grad(loss, logits)[0], torch.zeros_like(logits))


@pytest.mark.parametrize("make", ALL)
def test_unlabelled_rows_change_nothing(given, batch, task, make):
    labelled = EMOTION != -100
    changed = torch.where(labelled.unsqueeze(1), LOGITS, 100.0)
    one = make(task, 2)(given(logits=LOGITS), batch(emotion=EMOTION))
    other = make(task, 2)(given(logits=changed), batch(emotion=EMOTION))
    alone = make(task, 2)(given(logits=LOGITS[labelled]), batch(emotion=EMOTION[labelled]))
    assert one == other
    torch.testing.assert_close(list(one.values()), list(alone.values()))


def test_half_precision_logits_give_a_float32_loss(given, batch, task):
    loss = CrossEntropy(task, 2)(given(logits=LOGITS.bfloat16()), batch(emotion=EMOTION))[
        "cross_entropy"
    ]
    assert loss.dtype == torch.float32


def test_a_model_without_logits_is_refused(given, batch, task):
    with pytest.raises(MmserError, match="class logits"):
        CrossEntropy(task, 2)(given(values=torch.zeros(4, 3)), batch(emotion=EMOTION))


def test_focal_refuses_a_negative_gamma(task):
    with pytest.raises(MmserError, match="gamma of 0 or more; found -2"):
        FocalLoss(task, 2, gamma=-2)

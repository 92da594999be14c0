"""Metric-learning terms against formulas worked out here and what they must do to embeddings."""

import pytest
import torch

from mmser.core.errors import MmserError
from mmser.objectives.losses.metric import MetricLearning

NAMES = ["supervised_contrastive", "proxy_anchor", "proxy_nca", "triplet"]
EMOTION = torch.tensor([0, 0, 1, 1, 2, -100])


def supervised_contrastive(vectors, labels, temperature):
    """Khosla et al. 2020, equation 2."""
    unit = torch.nn.functional.normalize(vectors, dim=1)
    similarity = unit @ unit.T / temperature
    losses = []
    for i in range(len(labels)):
        others = [j for j in range(len(labels)) if j != i]
        positives = [j for j in others if labels[j] == labels[i]]
        if positives:
            bottom = torch.logsumexp(similarity[i, others], dim=0)
            losses.append(torch.stack([bottom - similarity[i, j] for j in positives]).mean())
    return torch.stack(losses).mean()


def test_supervised_contrastive_is_equation_2_over_anchors_with_a_positive(given, batch, task):
    vectors = torch.randn(6, 5)
    loss = MetricLearning(task, 5, temperature=0.5)(given(vector=vectors), batch(emotion=EMOTION))
    expected = supervised_contrastive(vectors[:5], EMOTION[:5], 0.5)
    torch.testing.assert_close(loss["supervised_contrastive"], expected)


@pytest.mark.parametrize("name", NAMES)
def test_descending_it_draws_classes_together(given, batch, task, name):
    torch.manual_seed(0)
    labels = torch.tensor([0, 1, 2] * 4)
    vectors = torch.randn(12, 4, requires_grad=True)
    objective = MetricLearning(task, 4, loss=name, mining="all")
    optimizer = torch.optim.Adam([vectors, *objective.parameters()], lr=0.2)
    for _ in range(60):
        (loss,) = objective(given(vector=vectors), batch(emotion=labels)).values()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    unit = torch.nn.functional.normalize(vectors.detach(), dim=1)
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    similarity = unit @ unit.T
    assert similarity[same].mean() > similarity[~same].mean() + 0.5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("emotion", [[-100, -100, -100], [-100, 1, -100]])
def test_no_pair_gives_a_finite_loss_with_graph(given, batch, task, name, emotion):
    vectors = torch.randn(3, 4, requires_grad=True)
    (loss,) = MetricLearning(task, 4, loss=name)(
        given(vector=vectors), batch(emotion=torch.tensor(emotion))
    ).values()
    assert loss.isfinite()
    assert torch.autograd.grad(loss, vectors)[0].isfinite().all()


def test_unlabelled_rows_change_nothing(given, batch, task):
    vectors = torch.randn(6, 5)
    changed = vectors.clone()
    changed[5] = 100.0
    objective = MetricLearning(task, 5)
    one = objective(given(vector=vectors), batch(emotion=EMOTION))
    other = objective(given(vector=changed), batch(emotion=EMOTION))
    assert one == other


def test_projection_and_proxies_belong_to_the_objective(task):
    objective = MetricLearning(task, 5, loss="proxy_anchor", projection_size=3)
    assert {name: tuple(p.shape) for name, p in objective.named_parameters()} == {
        "projection.weight": (3, 5),
        "projection.bias": (3,),
        "loss.proxies": (3, 3),
    }


def test_an_unknown_loss_or_mining_is_refused(task):
    with pytest.raises(MmserError, match="'contrast'"):
        MetricLearning(task, 5, loss="contrast")
    with pytest.raises(MmserError, match="'medium'"):
        MetricLearning(task, 5, loss="triplet", mining="medium")

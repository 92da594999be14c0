"""DANN: whose gradient is turned, and that the adversary confuses."""

import pytest
import torch
from makers.domains import LinearModel, half_labelled_batch, make_batch
from makers.steps import losses_of
from torch import nn

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.classification import CrossEntropy
from mmser.objectives.losses.domain_adversarial import DomainAdversarial
from mmser.objectives.losses.domain_alignment import DomainAlignment
from mmser.objectives.losses.weighted_sum import WeightedSum

TASK = Task(classes=("a", "b"), class_counts=(4, 4), corpora=("one", "two"), genders=("F", "M"))


@pytest.fixture(name="pair")
def four_labelled_and_four_unlabelled_rows():
    return half_labelled_batch()


def test_the_discriminator_of_128_features_has_16770_parameters():
    objective = DomainAdversarial(TASK, 128)
    assert sum(p.numel() for p in objective.parameters()) == 16_770


def test_only_the_encoders_gradient_is_reversed(pair):
    model = LinearModel()
    gradients = {}
    for strength in (1.0, -1.0):  # -1: no reversal
        torch.manual_seed(3)
        objective = DomainAdversarial(TASK, 4, dropout=0.0, strength=strength, ramp=False)
        model.zero_grad()
        losses_of(objective, model, pair)["domain"].backward()
        gradients[strength] = (
            model.layer.weight.grad.clone(),
            objective.classifier[0].weight.grad.clone(),
        )
    torch.testing.assert_close(gradients[1.0][0], -gradients[-1.0][0])
    torch.testing.assert_close(gradients[1.0][1], gradients[-1.0][1])


def test_progress_reaches_the_adversary_through_the_sum(pair):
    objective = WeightedSum(
        TASK, 4, {"emotion": part(CrossEntropy), "adversary": part(DomainAdversarial)}
    )
    assert objective.progress == 0.0
    model = LinearModel()
    losses_of(objective, model, pair)["adversary.domain"].backward()
    assert model.layer.weight.grad.eq(0).all()
    losses_of(objective, model, pair, progress=0.5)["adversary.domain"].backward()
    assert objective.terms[1].progress == 0.5
    assert not model.layer.weight.grad.eq(0).all()


def part(kind, **options):
    return lambda **given: kind(**given, **options)


def test_a_fold_with_one_corpus_has_no_corpora_to_tell_apart():
    with pytest.raises(MmserError, match="at least two of corpus in the training fold; found one"):
        DomainAdversarial(Task(classes=("a", "b"), corpora=("one",)), 4, domain="corpus")


@pytest.mark.parametrize(("strength", "low", "high"), [(1.0, 0.0, 0.6), (-1.0, 0.9, 1.0)])
def test_the_adversary_hides_the_domain_and_without_reversal_shows_it(strength, low, high):
    """8-D Gaussian, one axis shifted by 4 between the domains, linear encoder to 4-D; a fresh probe
    decides.
    """
    from sklearn.linear_model import LogisticRegression

    torch.manual_seed(0)
    values = torch.randn(400, 8)
    unlabelled = torch.arange(400) % 2
    values[:, 0] += 4.0 * unlabelled
    batch = make_batch(values, torch.where(unlabelled == 1, -100, 0))
    model = LinearModel()
    objective = DomainAdversarial(TASK, 4, dropout=0.0, strength=strength, ramp=False)
    optimizer = torch.optim.Adam([*model.parameters(), *objective.parameters()], lr=1e-2)
    for _ in range(500):
        optimizer.zero_grad()
        losses_of(objective, model, batch)["domain"].backward()
        optimizer.step()
    latent = model(batch.streams, batch.context).vector.detach().numpy()
    probe = LogisticRegression().fit(latent[:200], unlabelled[:200])
    assert low <= probe.score(latent[200:], unlabelled[200:]) <= high


def test_32_source_rows_are_learnt_with_all_losses_on():
    torch.manual_seed(0)
    model = LinearModel(8, 16)
    model.layer = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 16))
    batch = make_batch(
        torch.randn(64, 8), torch.cat([torch.arange(32) % 2, torch.full((32,), -100)])
    )
    terms = {"emotion": part(CrossEntropy), "adversary": part(DomainAdversarial)}
    terms |= {name: part(DomainAlignment, distance=name) for name in ("mmd", "coral")}
    objective = WeightedSum(TASK, 16, terms, {"coral": 10.0})
    optimizer = torch.optim.Adam([*model.parameters(), *objective.parameters()], lr=1e-2)
    for step in range(150):
        optimizer.zero_grad()
        losses = losses_of(objective, model, batch, progress=step / 150)
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
    guess = model(batch.streams, batch.context).logits[:32].argmax(dim=1)
    assert guess.equal(batch.targets["emotion"][:32])

"""MMD and CORAL: what they read, and that domains come together."""

import pytest
import torch
from makers.domains import LinearModel, half_labelled_batch, make_batch
from makers.steps import losses_of

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.losses.domain_alignment import DomainAlignment

TASK = Task(classes=("a", "b"), class_counts=(4, 4), corpora=("one", "two"), genders=("F", "M"))


@pytest.fixture(name="pair")
def four_labelled_and_four_unlabelled_rows():
    return half_labelled_batch()


@pytest.mark.parametrize("distance", ["mmd", "coral"])
def test_alignment_draws_the_domains_together(pair, distance):
    model = LinearModel()
    objective = DomainAlignment(TASK, 4, distance=distance)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    first = float(losses_of(objective, model, pair)[distance].detach())
    for _ in range(40):
        optimizer.zero_grad()
        losses_of(objective, model, pair)[distance].backward()
        optimizer.step()
    assert float(losses_of(objective, model, pair)[distance].detach()) < 0.5 * first


def test_layers_are_summed_and_unknown_ones_named(pair):
    model = LinearModel()
    both = losses_of(DomainAlignment(TASK, 4, layers=["vector", "x"]), model, pair)["mmd"]
    single = [
        losses_of(DomainAlignment(TASK, 4, layers=[name]), model, pair)["mmd"]
        for name in ("vector", "x")
    ]
    torch.testing.assert_close(both, sum(single))
    with pytest.raises(MmserError, match="layers among vector, x; found 'y'"):
        losses_of(DomainAlignment(TASK, 4, layers=["y"]), model, pair)


def test_one_domain_in_a_batch_gives_zero_with_graph():
    batch = make_batch(torch.randn(3, 8), torch.tensor([0, 1, 0]))
    loss = losses_of(DomainAlignment(TASK, 4), LinearModel(), batch)["mmd"]
    assert loss.requires_grad and float(loss.detach()) == 0.0


def test_more_than_two_domains_are_the_mean_over_pairs():
    torch.manual_seed(0)
    task = Task(classes=("a", "b"), class_counts=(4, 4), speakers=("s", "t", "u"))
    batch = make_batch(
        torch.randn(6, 8), torch.zeros(6).long(), speaker=torch.tensor([0, 0, 1, 1, 2, 2])
    )
    model = LinearModel()
    loss = losses_of(DomainAlignment(task, 4, domain="speaker"), model, batch)["mmd"]
    pairs = []
    for pair in ((0, 1), (0, 2), (1, 2)):
        rows = torch.isin(batch.targets["speaker"], torch.tensor(pair))
        part_of = make_batch(
            batch.streams["x"].values[rows, 0],
            torch.zeros(4).long(),
            speaker=batch.targets["speaker"][rows],
        )
        pairs.append(losses_of(DomainAlignment(task, 4, domain="speaker"), model, part_of)["mmd"])
    torch.testing.assert_close(loss, torch.stack(pairs).mean())


def test_a_fold_with_one_corpus_has_no_corpora_to_align():
    with pytest.raises(MmserError, match="at least two of corpus in the training fold; found one"):
        DomainAlignment(Task(classes=("a", "b"), corpora=("one",)), 4, domain="corpus")

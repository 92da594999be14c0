from functools import partial

import pytest
import torch

from mmser.core.errors import MmserError
from mmser.objectives.combined import Combined
from mmser.objectives.losses.attribute import AttributeClassification
from mmser.objectives.losses.classification import CrossEntropy
from mmser.objectives.losses.regression import ConcordanceLoss

TERMS = {
    "emotion": CrossEntropy,
    "values": ConcordanceLoss,
    "gender": partial(AttributeClassification),
}


@pytest.fixture
def data(batch):
    return batch(
        emotion=torch.tensor([0, 1, 2]), values=torch.randn(3, 3), gender=torch.tensor([0, 1, 0])
    )


@pytest.fixture
def model(given):
    parts = {"logits": torch.randn(3, 3), "values": torch.randn(3, 3), "vector": torch.randn(3, 2)}
    return given(**parts, losses={"alignment": torch.tensor(0.5)})


def test_terms_are_weighted_and_the_model_runs_once(model, data, task):
    objective = Combined(task, 2, TERMS, {"values": 0.25})
    losses = objective(model, data)
    assert model.calls == 1
    alone = CrossEntropy(task, 2)(model, data)["cross_entropy"]
    values = ConcordanceLoss(task, 2)(model, data)["ccc"]
    torch.testing.assert_close(losses["emotion.cross_entropy"], alone)
    torch.testing.assert_close(losses["values.ccc"], 0.25 * values)
    assert set(losses) == {"emotion.cross_entropy", "values.ccc", "gender.gender", "alignment"}


def test_the_fusions_own_terms_count_once_and_unweighted(model, data, task):
    losses = Combined(task, 2, TERMS, dict.fromkeys(TERMS, 0.1))(model, data)
    assert losses["alignment"].item() == 0.5


def test_a_term_with_other_streams_reaches_the_model(model, data, task):
    class Twice(torch.nn.Module):
        def forward(self, model, batch):
            outputs = model({"other": None}, batch.context)
            return {"twice": outputs.logits.sum() + model.vector_size}

    losses = Combined(
        task, 2, {"emotion": CrossEntropy, "again": lambda task, vector_size: Twice()}
    )(model, data)
    assert model.calls == 2
    torch.testing.assert_close(losses["again.twice"], model.outputs.logits.sum() + 2)


def test_parameters_of_terms_are_found(task):
    assert sum(p.numel() for p in Combined(task, 2, TERMS).parameters()) == 2 * 2 + 2


def test_the_whole_epoch_only_when_every_term_can(task):
    assert Combined(task, 2, TERMS).whole_epoch
    other = {**TERMS, "other": lambda task, vector_size: torch.nn.Identity()}
    assert not Combined(task, 2, other).whole_epoch


def test_a_weight_without_a_term_is_refused(task):
    with pytest.raises(MmserError, match="a weight for gendre"):
        Combined(task, 2, TERMS, {"gendre": 1.0})

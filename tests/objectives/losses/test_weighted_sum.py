"""Several losses of the same outputs."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from mmser.core.contracts import SplitLoss
from mmser.core.errors import MmserError
from mmser.objectives.losses.attribute import AttributeClassification
from mmser.objectives.losses.classification import CrossEntropy
from mmser.objectives.losses.one_vs_rest import OneVsRest
from mmser.objectives.losses.regression import ConcordanceLoss
from mmser.objectives.losses.sequence_ccc import SequenceConcordance
from mmser.objectives.losses.turn import TurnCrossEntropy
from mmser.objectives.losses.weighted_sum import WeightedSum
from mmser.objectives.paradigms.maml import Maml

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
def outputs(given):
    return given(logits=torch.randn(3, 3), values=torch.randn(3, 3), vector=torch.randn(3, 2))


def test_terms_are_weighted(outputs, data, task):
    losses = WeightedSum(task, 2, TERMS, {"values": 0.25})(outputs, data)
    alone = CrossEntropy(task, 2)(outputs, data)["cross_entropy"]
    values = ConcordanceLoss(task, 2)(outputs, data)["ccc"]
    torch.testing.assert_close(losses["emotion.cross_entropy"], alone)
    torch.testing.assert_close(losses["values.ccc"], 0.25 * values)
    assert set(losses) == {"emotion.cross_entropy", "values.ccc", "gender.gender"}


def test_parameters_of_terms_are_found(task):
    names = [name for name, _ in WeightedSum(task, 2, TERMS).named_parameters()]
    assert names == ["terms.2.output.weight", "terms.2.output.bias"]


def test_the_whole_split_only_when_every_term_can(task):
    whole = WeightedSum(task, 2, TERMS)
    assert isinstance(whole, SplitLoss) and whole.whole_split
    assert not WeightedSum(task, 2, {**TERMS, "other": TurnCrossEntropy}).whole_split


def test_steps_are_asked_for_where_a_term_does(data, task):
    assert not WeightedSum(task, 2, TERMS).needs_steps(data)
    assert not WeightedSum(task, 2, {"frames": SequenceConcordance}).needs_steps(data)
    assert WeightedSum(task, 2, {**TERMS, "turn": TurnCrossEntropy}).needs_steps(data)


def test_a_term_that_alternates_has_its_turn(task):
    terms = WeightedSum(task, 2, {"emotion": CrossEntropy, "each": OneVsRest})
    terms.after_step()
    assert int(terms.terms[1].turn) == 1


def test_a_weight_without_a_term_is_refused(task):
    with pytest.raises(MmserError, match="a weight for gendre"):
        WeightedSum(task, 2, TERMS, {"gendre": 1.0})


def test_a_paradigm_is_no_term(task):
    with pytest.raises(
        MmserError, match="terms that are losses of the model's outputs; found meta"
    ):
        WeightedSum(task, 2, {"emotion": CrossEntropy, "meta": Maml})


def test_a_term_of_ones_own_is_one(outputs, data, task):
    class Square(nn.Module):
        def forward(self, outputs, batch):
            return {"square": outputs.logits.square().mean()}

    terms = {"emotion": CrossEntropy, "own": lambda task, vector_size: Square()}
    losses = WeightedSum(task, 2, terms, {"own": 2.0})(outputs, data)
    torch.testing.assert_close(losses["own.square"], 2 * outputs.logits.square().mean())

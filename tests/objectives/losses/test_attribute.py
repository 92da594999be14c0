import pytest
import torch
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.objectives.losses.attribute import AttributeClassification


def test_cross_entropy_of_a_linear_layer_on_the_vector(given, batch, task):
    objective = AttributeClassification(task, 2, "gender")
    vector, gender = torch.randn(4, 2), torch.tensor([0, 1, -100, 1])
    losses = objective(given(vector=vector), batch(gender=gender))
    torch.testing.assert_close(losses["gender"], F.cross_entropy(objective.output(vector), gender))


def test_rows_without_the_attribute_give_zero(given, batch, task):
    objective = AttributeClassification(task, 2, "speaker")
    loss = objective(given(vector=torch.randn(3, 2)), batch(speaker=torch.full((3,), -100)))[
        "speaker"
    ]
    assert loss.item() == 0.0
    assert loss.requires_grad


def test_a_single_corpus_cannot_be_told_apart(task):
    with pytest.raises(MmserError, match="at least two values of corpus"):
        AttributeClassification(task, 2, "corpus")


def test_an_unknown_attribute_is_refused(task):
    with pytest.raises(MmserError, match="'age'"):
        AttributeClassification(task, 2, "age")

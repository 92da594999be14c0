"""Which domain a row comes from, and the rows of every two domains."""

from __future__ import annotations

import pytest
import torch

from mmser.core.batch import UNLABELLED
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.domain_rows import domain_count, domain_of, domain_pairs

TASK = Task(classes=("a", "b"), corpora=("one", "two", "three"), genders=("F",))


def test_a_row_without_a_label_is_of_the_target() -> None:
    targets = {"emotion": torch.tensor([0, UNLABELLED, 1]), "corpus": torch.tensor([2, 0, 1])}
    assert domain_of(targets, "labelled").tolist() == [0, 1, 0]
    assert domain_of(targets, "corpus") is targets["corpus"]


def test_domains_are_counted_and_one_alone_is_none() -> None:
    assert domain_count(TASK, "corpus") == 3
    assert domain_count(TASK, "labelled") == 2
    with pytest.raises(MmserError, match="at least two of gender in the training fold; found F"):
        domain_count(TASK, "gender")


def test_every_two_domains_with_enough_rows_are_a_pair() -> None:
    vectors, domains = torch.arange(6.0)[:, None], torch.tensor([0, 1, 0, 2, UNLABELLED, 1])
    pairs = domain_pairs(vectors, domains, least=2)
    assert [(one.flatten().tolist(), two.flatten().tolist()) for one, two in pairs] == [
        ([0.0, 2.0], [1.0, 5.0])
    ]
    assert len(domain_pairs(vectors, domains)) == 3

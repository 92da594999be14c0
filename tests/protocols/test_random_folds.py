"""Random plans: shares of every class, drawn by their seed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers.people import people

from mmser.core.errors import MmserError
from mmser.protocols.held_out_speakers import OwnTestPart
from mmser.protocols.plan import FoldPlan
from mmser.protocols.random_folds import RandomFolds, RandomHoldOut
from mmser.protocols.random_splits import RandomSplits

DEPENDENT: list[FoldPlan] = [
    RandomFolds(5, seed=1),
    RandomFolds(5, validation_one_in=4),
    RandomHoldOut(seed=9),
]


@settings(deadline=None, max_examples=15, derandomize=True)
@given(st.sampled_from(DEPENDENT), st.integers(30, 90), st.integers(2, 5))
def test_random_plans_share_out_every_class(plan: FoldPlan, each: int, classes: int) -> None:
    table = people(4, each, classes)
    for fold in plan(table):
        assert len({*fold.train, *fold.validation, *fold.test}) == len(table)
        assert len(fold.train) + len(fold.validation) + len(fold.test) == len(table)
        for ids in fold.splits.values():
            labels = table.loc[table["id"].isin(ids), "label"].value_counts(normalize=True)
            assert (labels - table["label"].value_counts(normalize=True)).abs().max() < 0.15


@pytest.mark.parametrize(
    ("count", "one_in", "shares"), [(10, None, (80, 10, 10)), (5, 4, (80, 5, 15))]
)
def test_random_shares(count: int, one_in: int | None, shares: tuple[int, int, int]) -> None:
    table = people(10, 100)
    folds = list(RandomFolds(count, one_in, seed=4)(table))
    assert len(folds) == count
    for fold in folds:
        sizes = (len(fold.train), len(fold.validation), len(fold.test))
        assert all(abs(size / 10 - share) <= 0.3 for size, share in zip(sizes, shares, strict=True))
    assert folds != list(RandomFolds(count, one_in, seed=5)(table))


def test_hold_out_is_seventy_to_thirty_with_a_fifth_for_validation() -> None:
    (fold,) = RandomHoldOut(0.3, 0.2, seed=0)(people(10, 100))
    assert (len(fold.train), len(fold.validation), len(fold.test)) == (560, 140, 300)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (lambda: RandomFolds(validation_one_in=0), "folds.validation_one_in of at least 2"),
        (lambda: RandomHoldOut(validation=-1), "folds.validation above 0 and below 1; found -1"),
        (lambda: RandomHoldOut(test=float("nan")), "folds.test above 0 and below 1; found nan"),
        (lambda: RandomSplits(test=1), "folds.test above 0 and below 1"),
        (lambda: OwnTestPart(validation=2), "folds.validation from 0 to 1; found 2"),
    ],
)
def test_shares_that_leave_nothing_are_refused(plan, message):
    with pytest.raises(MmserError, match=message):
        plan()

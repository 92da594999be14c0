"""Fold plans: what each promises holds for any table, and the same table gives the same folds in
any order.
"""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmser.core.errors import MmserError
from mmser.protocols.folds import (
    Fold,
    FoldPlan,
    LeaveOneSessionOut,
    LeaveOneSpeakerOut,
    OwnPartition,
    RandomFolds,
    RandomHoldOut,
    SpeakerGroups,
)
from mmser.protocols.held_out_speakers import OwnTestPart
from mmser.protocols.random_splits import RandomSplits


def people(speakers: int, each: int, classes: int = 4, pairs: bool = False) -> pd.DataFrame:
    """``each`` utterances of ``speakers`` speakers, two to a session when ``pairs``."""
    rows = [
        {
            "id": f"u{s:02d}-{u:03d}",
            "speaker": f"s{s:02d}",
            "session": str(s // 2) if pairs else "",
            "gender": "female" if s % 2 else "male",
            "part": "",
            "label": f"c{(u * 7 + s) % classes}",
        }
        for s in range(speakers)
        for u in range(each)
    ]
    return pd.DataFrame(rows)


def speakers_of(table: pd.DataFrame, ids: tuple[str, ...]) -> set[str]:
    return set(table.loc[table["id"].isin(ids), "speaker"])


INDEPENDENT: list[FoldPlan] = [
    LeaveOneSpeakerOut(by_session=True),
    LeaveOneSpeakerOut(validation_speakers=1, seed=3),
    LeaveOneSpeakerOut(validation_speakers=2, seed=1),
    LeaveOneSessionOut("speaker", seed=2),
    LeaveOneSessionOut("session"),
    SpeakerGroups(groups=3, seed=5),
]
DEPENDENT: list[FoldPlan] = [
    RandomFolds(5, seed=1),
    RandomFolds(5, validation_one_in=4),
    RandomHoldOut(seed=9),
]


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    st.sampled_from(INDEPENDENT),
    st.integers(3, 7),
    st.integers(1, 9),
    st.randoms(use_true_random=False),
)
def test_speakers_are_in_one_part_and_order_does_not_matter(
    plan: FoldPlan, pairs: int, each: int, shuffle
) -> None:  # type: ignore[no-untyped-def]
    table = people(2 * pairs, each, pairs=True)
    order = list(range(len(table)))
    shuffle.shuffle(order)
    folds = list(plan(table))
    again = list(plan(table.iloc[order].sort_values("id", ignore_index=True)))
    assert folds == again
    tested: list[str] = []
    for fold in folds:
        parts = [
            speakers_of(table, getattr(fold, part)) for part in ("train", "validation", "test")
        ]
        assert all(parts)
        assert sum(len(part) for part in parts) == len(set.union(*parts)) == 2 * pairs
        assert len(fold.train) + len(fold.validation) + len(fold.test) == len(table)
        tested += fold.test
    assert sorted(tested) == sorted(table["id"])  # each utterance is tested exactly once


@settings(deadline=None, max_examples=15, derandomize=True)
@given(st.sampled_from(DEPENDENT), st.integers(30, 90), st.integers(2, 5))
def test_random_plans_share_out_every_class(plan: FoldPlan, each: int, classes: int) -> None:
    table = people(4, each, classes)
    for fold in plan(table):
        assert len({*fold.train, *fold.validation, *fold.test}) == len(table)
        assert len(fold.train) + len(fold.validation) + len(fold.test) == len(table)
        for part in ("train", "validation", "test"):
            labels = table.loc[table["id"].isin(getattr(fold, part)), "label"].value_counts(
                normalize=True
            )
            assert (labels - table["label"].value_counts(normalize=True)).abs().max() < 0.15


def test_the_sessions_other_speaker_validates() -> None:
    table = people(10, 3, pairs=True)
    folds = {fold.name: fold for fold in LeaveOneSpeakerOut(by_session=True)(table)}
    assert len(folds) == 10
    assert speakers_of(table, folds["s04"].validation) == {"s05"}
    assert speakers_of(table, folds["s05"].validation) == {"s04"}
    assert len(speakers_of(table, folds["s04"].train)) == 8


def test_validation_is_a_woman_and_a_man_and_everyone_validates_equally_often() -> None:
    table = people(12, 2)
    held = [
        speakers_of(table, fold.validation)
        for fold in LeaveOneSpeakerOut(validation_speakers=2, seed=0)(table)
    ]
    for speakers in held:
        assert {int(speaker[1:]) % 2 for speaker in speakers} == {0, 1}
    assert {
        speaker: sum(speaker in pair for pair in held) for speaker in table["speaker"].unique()
    } == dict.fromkeys(table["speaker"].unique(), 2)


def test_a_session_leaves_seven_speakers_to_train_on_or_six() -> None:
    table = people(10, 2, pairs=True)
    for fold in LeaveOneSessionOut("speaker")(table):
        assert len(speakers_of(table, fold.train)) == 7
        assert len(speakers_of(table, fold.test)) == 2
    assert {
        len(speakers_of(table, fold.train)) for fold in LeaveOneSessionOut("session")(table)
    } == {6}


def test_one_speaker_of_the_next_group_validates_and_its_others_train() -> None:
    table = people(10, 2)
    whole = {
        fold.name: speakers_of(table, fold.validation) for fold in SpeakerGroups(groups=4)(table)
    }
    for fold in SpeakerGroups(groups=4, validation_speakers=1)(table):
        held, tested = speakers_of(table, fold.validation), speakers_of(table, fold.test)
        assert len(held) == 1 and set(held) <= set(whole[fold.name])
        assert len(speakers_of(table, fold.train)) == 9 - len(tested)


def test_groups_mix_genders_and_may_be_named() -> None:
    table = people(12, 2)
    for fold in SpeakerGroups(groups=4)(table):
        assert len({int(speaker[1:]) % 2 for speaker in speakers_of(table, fold.test)}) == 2
    named = {"old": ["s00", "s01"], "young": ["s02"], "new": ["s03"], "gone": ["s99"]}
    folds = list(SpeakerGroups(fixed=named)(people(4, 2)))
    assert [fold.name for fold in folds] == ["old", "young", "new"]
    assert folds[0].validation == ("u02-000", "u02-001")


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


def test_own_partition() -> None:
    table = people(3, 2).assign(part=["train", "train", "validation", "validation", "test", ""])
    assert list(OwnPartition()(table)) == [
        Fold("official", ("u00-000", "u00-001"), ("u01-000", "u01-001"), ("u02-000",))
    ]
    with pytest.raises(MmserError, match="none in validation"):
        list(OwnPartition()(table[table["part"] != "validation"]))


def test_too_few_speakers_are_refused() -> None:
    with pytest.raises(MmserError, match="at least 3 speakers; found 2"):
        list(LeaveOneSpeakerOut()(people(2, 5)))
    with pytest.raises(MmserError, match="at least 3 sessions; found 2"):
        list(LeaveOneSessionOut()(people(4, 5, pairs=True)))
    with pytest.raises(MmserError, match="at least 3 groups of speakers; found 2"):
        list(SpeakerGroups(groups=4)(people(2, 5)))
    with pytest.raises(
        MmserError, match="a second speaker in session '0'; found speaker 's00' alone"
    ):
        table = people(6, 2, pairs=True)
        list(LeaveOneSpeakerOut(by_session=True)(table[table["speaker"] != "s01"]))
    with pytest.raises(MmserError, match=r"folds.validation speaker or session"):
        LeaveOneSessionOut("nobody")


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

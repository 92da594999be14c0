"""Plans over whole speakers: what each promises holds for any table, in any order of its rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers.people import people, speakers_of

from mmser.core.errors import MmserError
from mmser.protocols.plan import FoldPlan
from mmser.protocols.speaker_folds import LeaveOneSessionOut, LeaveOneSpeakerOut, SpeakerGroups

INDEPENDENT: list[FoldPlan] = [
    LeaveOneSpeakerOut(by_session=True),
    LeaveOneSpeakerOut(validation_speakers=1, seed=3),
    LeaveOneSpeakerOut(validation_speakers=2, seed=1),
    LeaveOneSessionOut("speaker", seed=2),
    LeaveOneSessionOut("session"),
    SpeakerGroups(groups=3, seed=5),
]


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    st.sampled_from(INDEPENDENT),
    st.integers(3, 7),
    st.integers(1, 9),
    st.randoms(use_true_random=False),
)
def test_speakers_are_in_one_split_and_order_does_not_matter(
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
        voices = [speakers_of(table, ids) for ids in fold.splits.values()]
        assert all(voices)
        assert sum(len(each) for each in voices) == len(set.union(*voices)) == 2 * pairs
        assert len(fold.train) + len(fold.validation) + len(fold.test) == len(table)
        tested += fold.test
    assert sorted(tested) == sorted(table["id"])  # each utterance is tested exactly once


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

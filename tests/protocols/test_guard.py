"""The rules of folds that no configuration can break."""

import pytest

from mmser.core.errors import MmserError
from mmser.protocols.guard import check_classes, check_fold
from mmser.protocols.plan import Fold

SPEAKERS = {"a": "s1", "b": "s2", "c": "s3", "d": "s1"}


@pytest.mark.parametrize(
    ("fold", "dependent", "message"),
    [
        (
            Fold("f", ("a",), ("b",), ("b",)),
            True,
            "validation and test of fold f to share no utterance; found b",
        ),
        (
            Fold("f", ("a", "c"), ("b",), ("c",)),
            True,
            "train and test of fold f to share no utterance; found c",
        ),
        (
            Fold("f", ("a",), ("b",), ("d",)),
            False,
            "train and test of fold f to share no speaker; found s1",
        ),
        (
            Fold("f", ("a",), ("d",), ("b",)),
            False,
            "train and validation of fold f to share no speaker; found s1",
        ),
        (
            Fold("f", ("c",), ("a",), ("d",)),
            False,
            "validation and test of fold f to share no speaker; found s1",
        ),
        (
            Fold("f", ("a",), (), ("b",)),
            True,
            "utterances in the validation split of fold f; found none",
        ),
    ],
)
def test_guards_no_configuration_can_break(fold: Fold, dependent: bool, message: str) -> None:
    with pytest.raises(MmserError, match=message):
        check_fold(fold, SPEAKERS, dependent, "p")


def test_what_trains_without_labels_trains_all_the_same() -> None:
    with pytest.raises(MmserError, match="train and test of fold f to share no speaker; found s1"):
        check_fold(Fold("f", ("c",), ("b",), ("d",), unlabelled=("a",)), SPEAKERS, False, "p")


def test_a_shared_speaker_is_allowed_only_where_the_plan_says_so() -> None:
    check_fold(Fold("f", ("a",), ("b",), ("d",)), SPEAKERS, True, "p")
    check_fold(Fold("f", ("a",), ("b",), ("c",)), SPEAKERS, False, "p")


def test_training_needs_two_classes() -> None:
    fold = Fold("f", ("a", "b"), ("c",), ("d",))
    check_classes(fold, {"a": "happy", "b": "sad"}, "p")
    with pytest.raises(MmserError, match="in the train split of fold f; found happy"):
        check_classes(fold, {"a": "happy", "b": None}, "p")
    with pytest.raises(MmserError, match="found no label"):
        check_classes(fold, {"a": None, "b": None}, "p")

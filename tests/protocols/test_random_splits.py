"""Splits of one size that differ, share speakers, and repeat from their seed."""

import pandas as pd
import pytest

from mmser.core.configs import load_config
from mmser.protocols.random_splits import RandomSplits

EMODB = pd.DataFrame(
    {"id": [f"u{i:03d}" for i in range(535)], "speaker": [f"s{i % 10}" for i in range(535)]}
)


def test_ten_tests_of_107_as_in_the_published_matrices():
    folds = list(RandomSplits(count=10, seed=1)(EMODB))
    assert len(folds) == 10
    for fold in folds:
        assert [len(fold.test), len(fold.validation), len(fold.train)] == [107, 43, 385]
        assert len({*fold.train, *fold.validation, *fold.test}) == 535
    assert len({fold.test for fold in folds}) == 10
    assert folds == list(RandomSplits(count=10, seed=1)(EMODB))
    assert folds[0].test != next(RandomSplits(count=10, seed=2)(EMODB)).test


def test_all_ten_speakers_are_on_both_sides():
    speaker = EMODB.set_index("id")["speaker"]
    for fold in RandomSplits(count=3)(EMODB):
        assert speaker[list(fold.test)].nunique() == speaker[list(fold.train)].nunique() == 10


@pytest.mark.parametrize("word", ["random", "shared_speakers"])
def test_its_name_says_what_it_is(word):
    config = load_config("protocol", "emodb7_random_shared_speakers10")
    assert word in config["name"] and "speaker-dependent" in config["title"]
    assert RandomSplits.speaker_dependent

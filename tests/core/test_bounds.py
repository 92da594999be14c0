"""Numbers of a config that nobody can have meant are refused, by the place they stand at."""

from __future__ import annotations

import pytest

from mmser.core.bounds import LARGEST, check_numbers, check_scale, count_values
from mmser.core.errors import MmserError


def test_every_mapping_list_and_value_counts() -> None:
    assert count_values({"a": 1, "b": [2, {"c": None}]}) == 6


@pytest.mark.parametrize("number", [float("nan"), float("inf"), LARGEST + 1, -(LARGEST + 1)])
def test_a_number_that_is_too_large_or_none_is_named(number: float) -> None:
    with pytest.raises(MmserError, match=r"at model\.sizes\[1\]"):
        check_numbers({"sizes": [1, number]}, "model")


def test_flags_words_and_the_largest_number_pass() -> None:
    check_numbers({"a": True, "b": "1e99", "c": -LARGEST, "d": None}, "model")


@pytest.mark.parametrize("size", [0, 8, -8, 0.08, 80])
def test_a_number_near_the_usual_one_passes(size: float) -> None:
    check_scale({"size": size}, {"size": 8}, 10, "head")


@pytest.mark.parametrize("size", [81, 0.07])
def test_a_number_out_of_proportion_is_refused(size: float) -> None:
    with pytest.raises(MmserError, match=r"head\.size from 0\.08 to 80"):
        check_scale({"size": size}, {"size": 8}, 10, "head")


def test_a_list_is_compared_as_a_whole() -> None:
    check_scale([100, 1], [1, 10], 10, "sizes")
    with pytest.raises(MmserError, match=r"from 0\.01 to 100"):
        check_scale([101, 1], [1, 10], 10, "sizes")

"""Words of a transcript."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmser.core.words import normalise_word, spoken_words, word_id, words_of


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("Well,", "well"),
        ("don\u2019t", "don't"),
        ("'Hello'", "hello"),
        ('"Oh!"', "oh"),
        ("'s", "'s"),
        ("--", ""),
        ("(laughs)", "laughs"),
        ("ROCK'N'ROLL", "rock'n'roll"),
        ("3.5", "3.5"),
        ("dogs'", "dogs"),
        ("\u00dcber", "\u00fcber"),
        ("_x_", "x"),
    ],
)
def test_normalised(written: str, word: str) -> None:
    assert normalise_word(written) == word


def test_dashes_and_dots_part_words() -> None:
    assert words_of("Well--no... I\u2014you know - it's half-done.") == [
        "well", "no", "i", "you", "know", "it's", "half-done",
    ]  # fmt: skip
    assert spoken_words("Oh, -- NO!") == ["Oh,", "NO!"]


def test_numbers_of_words_never_change() -> None:
    assert word_id("hello") == 1_364_398_032
    assert word_id("hello") != word_id("Hello")


@given(st.text())
def test_numbers_fit_int32_and_leave_zero_free(word: str) -> None:
    assert 1 <= word_id(word) <= 2**31 - 1


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    for word in words_of(text):
        assert normalise_word(word)
    assert len(words_of(text)) == len(spoken_words(text))

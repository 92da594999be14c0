"""Numbers of characters."""

from __future__ import annotations

from mmser.core.clip import Clip, Transcript
from mmser.extractors.text.characters import Characters


def clip(text: str) -> Clip:
    return Clip("c", transcript=Transcript(text, "corpus"))


def test_characters_count_from_one_and_leave_the_blank_free() -> None:
    features = Characters().extract([clip("A b-c, don't 2!")])[0]
    # "a b c don't 2": space 1, a 2, b 3, c 4, d 5, n 15, o 16, t 21, apostrophe 28; the digit is
    # left out.
    assert features.values.tolist() == [2, 1, 3, 1, 4, 1, 5, 16, 15, 28, 21]
    assert features.notes == "1 of 13 characters outside the alphabet"


def test_a_word_outside_the_alphabet_takes_its_space_with_it() -> None:
    spelt = Characters().extract([clip("Oh, I've 2 cats.")])[0].values.tolist()
    assert "".join(Characters().alphabet[number - 1] for number in spelt) == "oh i've cats"


def test_a_transcript_of_foreign_characters_fails() -> None:
    assert Characters().extract([clip("123")])[0].reason == "empty transcript"

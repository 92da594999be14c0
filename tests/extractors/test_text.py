"""Words, characters and their spans."""

from __future__ import annotations

import numpy as np
import pytest
from makers.clips import transcript

from mmser.core.clip import Clip, Transcript
from mmser.core.utterance import Word
from mmser.core.words import word_id
from mmser.extractors.text.characters import Characters
from mmser.extractors.text.words import Words
from mmser.extractors.transcripts.word_spans import spans_of


def clip(text: str) -> Clip:
    return Clip("c", transcript=Transcript(text, "corpus"))


def test_words_have_stable_numbers() -> None:
    features = Words().extract([Clip("c", transcript=transcript())])[0]
    spoken = ["well", "i", "don't", "know", "it's", "half-empty"]
    assert features.values.tolist() == [word_id(word) for word in spoken]
    assert features.values.dtype == np.int32
    assert features.spans[:, 0].tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.5, 0.6])
    assert len(Words(limit=2).extract([Clip("c", transcript=transcript())])[0].spans) == 2


def test_spans_need_as_many_times_as_words() -> None:
    assert spans_of(Transcript("two words", "corpus", (Word("two", 0, 1),))) is None
    assert spans_of(Transcript("two words", "corpus")) is None
    shared = spans_of(Transcript("well--no", "corpus", (Word("well--no", 0.5, 1.5),)))
    assert shared.tolist() == [[0.5, 1.5], [0.5, 1.5]]


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

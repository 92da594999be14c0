"""Hand-worked alignments."""

import pytest

from mmser.core.errors import MmserError, UsageError
from mmser.metrics.wer import WordErrors, normalise_text, word_errors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, I don\N{RIGHT SINGLE QUOTATION MARK}t KNOW...", "well i don't know"),
        ("[LAUGHTER] Yes (sighs)—no!", "yes no"),
        ("'twas the 'best' day", "twas the best day"),
        ("Über-groß \uff21\uff22\uff23 12", "über groß abc 12"),
        ("...", ""),
    ],
)
def test_normalisation(text, expected):
    assert normalise_text(text) == expected


def test_counts_of_each_kind():
    assert word_errors(["a b c"], ["a x c d"]) == WordErrors(
        substitutions=1, deletions=0, insertions=1, words=3
    )
    assert word_errors(["a b c"], ["a b c d"]).rate == pytest.approx(1 / 3)


def test_an_empty_hypothesis_deletes_every_word():
    assert word_errors(["a b c", "d"], ["", "d"]) == WordErrors(0, 3, 0, 4)


def test_long_utterances_count_by_their_length():
    assert word_errors(
        ["a", "b c d e f g h i j"], ["x", "b c d e f g h i j"]
    ).rate == pytest.approx(0.1)


def test_silent_references_are_left_out_and_all_silent_is_an_error():
    assert word_errors(["", "a"], ["noise", "a"]) == WordErrors(0, 0, 0, 1)
    with pytest.raises(MmserError, match="at least one reference with a word"):
        word_errors(["..."], ["a"])
    with pytest.raises(MmserError, match="one hypothesis per reference"):
        word_errors(["a", "b"], ["a"])


def test_whispers_normaliser_equates_digits_contractions_and_spellings():
    spoken = "Well, I'm twenty and my favourite colour is gone, um, Mr. Hill"
    heard = "well i am 20 and my favorite color is gone"
    assert word_errors([spoken], [heard]).rate > 0.4
    assert word_errors([spoken], [heard], "whisper") == WordErrors(0, 2, 0, 12)
    with pytest.raises(UsageError, match="a normaliser of text: plain or whisper; found loose"):
        word_errors([spoken], [heard], "loose")


def test_a_reference_of_hesitations_alone_has_no_word_after_whispers_normaliser():
    assert word_errors(["um", "yes"], ["", "yes"], "whisper") == WordErrors(0, 0, 0, 1)

"""Controlled word errors: the rate asked for comes out, of plausible words, the same every time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmser.core.clip import Transcript
from mmser.core.errors import UsageError
from mmser.core.utterance import Word
from mmser.evaluation.stress.words.word_confusions import SHARES, Confusions, learn_confusions
from mmser.evaluation.stress.words.word_errors import corrupted
from mmser.evaluation.stress.words.word_neighbours import (
    Neighbours,
    drop_cost,
    exchange_cost,
    sounds,
)
from mmser.metrics.wer import word_errors

TEXT = "the quick brown fox jumps over a lazy dog while seven wise men drink hot tea in an old boat"
NEIGHBOURS = Neighbours([*TEXT.split(), "bog", "goat", "fix", "their"])


def transcripts(count=60):
    words = TEXT.split()
    return {
        f"u{i}": Transcript(" ".join(words[i % 7 :] + words[: i % 7]), "corpus")
        for i in range(count)
    }


def recursive_distance(first, second):
    """The edit distance as it is defined, for comparison."""
    if not first or not second:
        return sum(map(drop_cost, first + second))
    return min(
        recursive_distance(first[1:], second[1:]) + exchange_cost(first[0], second[0]),
        recursive_distance(first[1:], second) + drop_cost(first[0]),
        recursive_distance(first, second[1:]) + drop_cost(second[0]),
    )


@pytest.mark.parametrize(
    ("word", "spelling"),
    [("phone", "fon"), ("knight", "nit"), ("catch", "kaC"), ("city", "siti"), ("well", "wel")],
)
def test_spellings(word, spelling):
    assert sounds(word) == spelling


def test_another_script_keeps_its_letters():
    assert sounds("\u4f60\u597d") == "\u4f60\u597d"


@settings(max_examples=20, deadline=None)
@given(
    st.text("abcdefgikostz", min_size=1, max_size=5),
    st.lists(st.text("abcdefgikost", min_size=1, max_size=5), min_size=1),
)
def test_distances_of_a_whole_vocabulary_at_once(word, vocabulary):
    neighbours = Neighbours(vocabulary)
    expected = [recursive_distance(sounds(word), sounds(other)) for other in neighbours.words]
    assert neighbours.distances(word) == pytest.approx(np.array(expected))


def test_neighbours_sound_alike():
    assert NEIGHBOURS.of("dog")[0][0] == "bog"
    assert NEIGHBOURS.of("boat")[0][0] == "goat"
    assert NEIGHBOURS.of("there")[0][0] == "their"
    words, weights = NEIGHBOURS.of("fox")
    assert words[0] == "fix" and "fox" not in words
    assert weights.sum() == pytest.approx(1) and (np.diff(weights) <= 0).all()
    assert Neighbours(["only"]).of("only")[0] == []


@pytest.mark.parametrize("wer", [0.1, 0.3, 0.6])
def test_the_rate_asked_for_comes_out(wer):
    made, achieved = corrupted(transcripts(), wer, Confusions(NEIGHBOURS))
    measured = word_errors(
        [t.text for t in transcripts().values()], [t.text for t in made.values()]
    )
    assert measured.rate == achieved
    assert achieved == pytest.approx(wer, abs=0.02)


def test_kinds_of_error_follow_their_shares():
    made, _ = corrupted(transcripts(200), 0.1, Confusions(NEIGHBOURS))
    found = word_errors(
        [t.text for t in transcripts(200).values()], [t.text for t in made.values()]
    )
    counts = np.array([found.substitutions, found.deletions, found.insertions])
    assert counts / counts.sum() == pytest.approx(np.array(SHARES), abs=0.07)


def test_draws_differ_and_repeat():
    first, _ = corrupted(transcripts(), 0.3, Confusions(NEIGHBOURS))
    again, _ = corrupted(transcripts(), 0.3, Confusions(NEIGHBOURS))
    other, _ = corrupted(transcripts(), 0.3, Confusions(NEIGHBOURS), draw=1)
    assert first == again
    assert first != other
    assert corrupted(transcripts(), 0.0, Confusions(NEIGHBOURS)) == (transcripts(), 0.0)


def test_errors_of_a_recogniser_are_learnt():
    learnt = learn_confusions(
        ["a lazy dog", "old fox"], ["a crazy dog now", "fox"], NEIGHBOURS, "it"
    )
    assert learnt.substitutions == {"lazy": {"crazy": 1}}
    assert learnt.insertions == {"now": 1}
    assert learnt.shares == (1 / 3, 1 / 3, 1 / 3)
    assert learnt.substitute("lazy", 0.99) == "crazy" and learnt.insert(0.5) == "now"
    assert learnt.substitute("dog", 0.0) == "bog"
    assert learnt.source.startswith("3 errors of it")
    flawless = learn_confusions(["a dog"], ["a dog"], NEIGHBOURS, "it")
    assert flawless.shares == SHARES and flawless.source.startswith("words that sound alike")


def test_word_times_go_with_their_words():
    times = tuple(Word(word, i, i + 1) for i, word in enumerate(TEXT.split()))
    made, _ = corrupted(
        {f"u{i}": Transcript(TEXT, "corpus", times) for i in range(9)}, 0.5, Confusions(NEIGHBOURS)
    )
    for transcript in made.values():
        assert [word.text for word in transcript.words] == transcript.text.split()
        starts = [word.start for word in transcript.words]
        assert starts == sorted(starts)
        assert all(word.end > word.start for word in transcript.words)


def test_only_deletions_leave_nothing_to_read():
    made, achieved = corrupted(
        {"u": Transcript("no", "corpus")},
        0.9,
        Confusions(Neighbours(["no"]), shares=(0.0, 1.0, 0.0)),
        draw=0,
    )
    assert made["u"].text == "" or achieved == 0.0


def test_a_rate_that_means_nothing():
    with pytest.raises(UsageError, match=r"a word error rate between 0 and 0\.9; found 1\.2"):
        corrupted(transcripts(), 1.2, Confusions(NEIGHBOURS))

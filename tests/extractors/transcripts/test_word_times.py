"""Times of words are checked, and pauses are no part of a word."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.extractors.transcripts.word_times import Placed, with_times, without_times
from mmser.media.silence import sounding

NOISE = np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32)


def with_pauses(*pauses: tuple[float, float], background: float = 1e-4) -> np.ndarray:
    sound = NOISE.copy()
    for start, end in pauses:
        sound[int(start * 16000) : int(end * 16000)] *= background / 0.1
    return sound


def test_pauses_are_long_quiet_stretches() -> None:
    sound = with_pauses((0.0, 0.5), (1.0, 1.08), (1.5, 2.0))
    np.testing.assert_allclose(sounding(sound), [[0.5, 1.5], [2.0, 3.0]], atol=0.02)
    # A background as loud as speech is no pause, and silence holds no sound.
    assert sounding(with_pauses((1.0, 2.0), background=0.05)).tolist() == [[0.0, 3.0]]
    assert len(sounding(np.zeros(16000, np.float32))) == 0 and len(sounding(NOISE[:0])) == 0


def test_spans_lose_their_pauses_and_overlaps() -> None:
    sound = with_pauses((0.0, 0.5), (1.5, 2.0))
    placed = [
        Placed(0.0, 1.0, 0.9),  # begins in the silence before speech
        Placed(0.8, 1.7, 0.9),  # overlaps the word before it, ends in a pause
        Placed(1.6, 1.9, 0.9),  # wholly in a pause
        None,  # not found
        Placed(1.7, 9.0, 0.9),  # ends after the sound
        Placed(2.0, 2.5, 0.9),  # said before the last one ended
    ]
    words = with_times("a b c d e f", "aligner", placed, sound).words
    found = [(word.start, word.end) for word in words]
    expected = [(0.5, 1.0), (1.0, 1.5), (1.5, 1.5), (1.5, 1.5), (2.0, 3.0), (3.0, 3.0)]
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert [word.confidence for word in words] == [0.9, 0.9, 0.9, None, 0.9, 0.9]


def test_a_pause_inside_a_word_leaves_its_longer_part() -> None:
    sound = with_pauses((1.0, 1.4))
    (word,) = with_times("hesitation", "aligner", [Placed(0.8, 2.4, 1.0)], sound).words
    assert (word.start, word.end) == pytest.approx((1.4, 2.4), abs=0.02)


def test_a_broken_aligner_is_told() -> None:
    with pytest.raises(MmserError, match="a time for each of 2 words; found 1 from aligner"):
        with_times("two words", "aligner", [None], NOISE)
    with pytest.raises(MmserError, match="times that are no numbers"):
        with_times("word", "aligner", [Placed(0.0, float("nan"), 1.0)], NOISE)


def test_words_without_times_are_points_at_the_start() -> None:
    transcript = without_times("Well -- no!", "aligner")
    assert [(w.text, w.start, w.end) for w in transcript.words] == [("Well", 0, 0), ("no!", 0, 0)]

"""Hashes to indices: 0 padding, 1 unknown."""

from __future__ import annotations

import numpy as np

from mmser.data.vocabulary import UNKNOWN, Vocabulary, fit_vocabulary


def test_known_words_have_indices_from_two_and_others_are_unknown():
    vocabulary = fit_vocabulary([np.array([30, -5, 30]), np.array([8])])
    assert len(vocabulary) == 5
    assert vocabulary(np.array([-5, 8, 30, 31, -99, 9])).tolist() == [2, 3, 4, 1, 1, 1]
    assert vocabulary(np.array([8])).dtype == np.int64


def test_rare_words_are_unknown():
    vocabulary = fit_vocabulary([np.array([1, 2, 2, 3, 3, 3])], min_count=2)
    assert vocabulary(np.array([1, 2, 3])).tolist() == [UNKNOWN, 2, 3]


def test_the_extremes_of_64_bits_are_words_too():
    ends = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    assert fit_vocabulary([ends])(ends).tolist() == [2, 3]


def test_an_empty_vocabulary_knows_nothing():
    assert fit_vocabulary([])(np.array([4, 5])).tolist() == [UNKNOWN, UNKNOWN]
    assert Vocabulary(np.array([4]))(np.array([], np.int64)).tolist() == []

"""Words that sound alike, by spelling: used where no recogniser's transcripts are there.

A word becomes a rough phonetic spelling (digraphs to one sign, silent letters dropped, doubled
letters once). Two spellings are compared by edit distance: 1 for a consonant, 1/2 for a vowel
inserted or dropped; 1/2 for exchanging two vowels or two consonants of one class (p b / t d / k g /
f v / s z S / m n / l r / C j), else 1. It is made for English; letters of other scripts count as
consonants of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property

import numpy as np

VOWELS = "aeiou"
CLASSES = ("pb", "td", "kg", "fv", "szS", "mn", "lr", "Cj")
NEAREST = 5

_REWRITES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("^(kn|gn)", "n"),
        ("^wr", "r"),
        ("tch|ch", "C"),
        ("sh|tion", "S"),
        ("th", "T"),
        ("ph", "f"),
        ("gh", ""),
        ("ck|q", "k"),
        ("x", "ks"),
        ("c(?=[eiy])", "s"),
        ("c", "k"),
        ("(?<=[^aeiou])e$", ""),
        ("y", "i"),
        ("[^a-zCST]", ""),
    )
]
_LATIN = re.compile("[a-z' -]+")


def sounds(word: str) -> str:
    """The rough phonetic spelling of a normalised word: "phone" -> "fon", "knight" -> "nit"."""
    plain = unicodedata.normalize("NFKD", word.lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if _LATIN.fullmatch(plain):
        for pattern, replacement in _REWRITES:
            plain = pattern.sub(replacement, plain)
    return re.sub(r"(.)\1+", r"\1", plain)


class Neighbours:
    """For a word the `NEAREST` others of ``vocabulary``, each with weight exp(-distance)."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.words = sorted(set(vocabulary))
        self._cached: dict[str, tuple[list[str], np.ndarray]] = {}

    def of(self, word: str) -> tuple[list[str], np.ndarray]:
        """(words, their probabilities), nearest first; empty without another word."""
        if word not in self._cached:
            distance = self.distances(word)
            others = [row for row in np.argsort(distance, kind="stable") if self.words[row] != word]
            order = others[:NEAREST]
            weights = np.exp(-distance[order])
            if order:
                weights /= weights.sum()
            self._cached[word] = [self.words[row] for row in order], weights
        return self._cached[word]

    def distances(self, word: str) -> np.ndarray:
        """(word,) float: distance of every word of the vocabulary from ``word``."""
        spelling = sounds(word)
        letters, lengths, drop = self._table
        # The rows of the edit tables of all words at once: (word, place in its spelling + 1).
        row = np.concatenate([np.zeros((len(letters), 1)), np.cumsum(drop, axis=1)], axis=1)
        for letter in spelling:
            exchange = np.array([exchange_cost(letter, other) for other in self._alphabet])[letters]
            new = np.empty_like(row)
            new[:, 0] = row[:, 0] + drop_cost(letter)
            for at in range(letters.shape[1]):
                cheaper = np.minimum(
                    row[:, at] + exchange[:, at], row[:, at + 1] + drop_cost(letter)
                )
                new[:, at + 1] = np.minimum(cheaper, new[:, at] + drop[:, at])
            row = new
        distances: np.ndarray = row[np.arange(len(row)), lengths]
        return distances

    @cached_property
    def _spellings(self) -> list[str]:
        return [sounds(word) for word in self.words]

    @cached_property
    def _alphabet(self) -> list[str]:
        return ["", *sorted(set("".join(self._spellings)))]

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Letters (word, place) as numbers of the alphabet, lengths, costs of dropping a letter.

        A number is 0 beyond a word's end.
        """
        lengths = np.array([len(spelling) for spelling in self._spellings], dtype=np.int64)
        letters = np.zeros((len(lengths), int(lengths.max(initial=0))), dtype=np.int64)
        number = {letter: place for place, letter in enumerate(self._alphabet)}
        for row, spelling in enumerate(self._spellings):
            letters[row, : len(spelling)] = [number[letter] for letter in spelling]
        costs = np.array([drop_cost(letter) for letter in self._alphabet])
        return letters, lengths, costs[letters]


def drop_cost(letter: str) -> float:
    """Cost of a letter that only one of two spellings has."""
    return 0.5 if letter in VOWELS else 1.0


def exchange_cost(first: str, second: str) -> float:
    """Cost of one letter standing for another."""
    if first == second:
        return 0.0
    alike = any(
        first in group and second in group for group in (VOWELS, *CLASSES) if first and second
    )
    return 0.5 if alike else 1.0

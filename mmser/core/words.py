"""How a transcript becomes words, and the stable number of a word."""

from __future__ import annotations

import hashlib
import re

_APOSTROPHES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u0092": "'", "`": "'"})
_DASHES = re.compile("[\u2010-\u2015]|--+|\u2026|\\.\\.+")
_EDGES = re.compile(r"^[^\w']+|[^\w']+$|^_+|_+$")
_EDGE_QUOTES = re.compile(r"^'+(?=\w)|'+$")
_CONTRACTIONS = frozenset({"'s", "'m", "'re", "'ve", "'ll", "'d", "'em", "'cause", "'til"})


def normalise_word(word: str) -> str:
    """Lower case, straight apostrophes, no punctuation at the edges; "" when nothing is left.

    Inner apostrophes and hyphens stay ("don't", "well-known").
    """
    word = _EDGES.sub("", straight_apostrophes(word).lower())
    if word not in _CONTRACTIONS:
        word = _EDGE_QUOTES.sub("", word)
    return word if any(character.isalnum() for character in word) else ""


def straight_apostrophes(text: str) -> str:
    """The text with every form of apostrophe as the one of a keyboard."""
    return text.translate(_APOSTROPHES)


def spoken_words(text: str) -> list[str]:
    """The words of a transcript as they are written, with their punctuation.

    Dashes and dots separate words and are left out.
    """
    return [part for part in _DASHES.sub(" ", text).split() if normalise_word(part)]


def words_of(text: str) -> list[str]:
    """The normalised words of a transcript, one for each of its `spoken_words`."""
    return [normalise_word(part) for part in spoken_words(text)]


def word_id(word: str) -> int:
    """A number in [1, 2**31 - 1] that is the same on every machine and in every run.

    0 is left for padding.

    ``word`` is taken as it is (normalise it first). Two of 10,000 words share a number with
    probability 0.02.
    """
    digest = hashlib.blake2b(word.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (2**31 - 1) + 1

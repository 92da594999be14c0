"""Words that differ in their spelling alone.

That is in case, in spaces, or in the form of their characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def spelling(word: str) -> str:
    """What all spellings of one word share.

    Compatibility form, small letters, single spaces, nothing invisible.
    """
    visible = "".join(
        letter
        for letter in unicodedata.normalize("NFKC", word)
        if unicodedata.category(letter) != "Cf"
    )
    return " ".join(unicodedata.normalize("NFKC", visible.casefold()).split())


def near_equal(words: Iterable[str]) -> list[list[str]]:
    """Groups of different words that one spelling would make the same, each sorted."""
    groups: dict[str, set[str]] = {}
    for word in words:
        groups.setdefault(spelling(word), set()).add(word)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)

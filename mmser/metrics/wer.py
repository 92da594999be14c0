"""Word error rate, after a stated normalisation.

Normalised text: Unicode NFKC, lower case, typographic apostrophes made plain, everything in square
brackets or parentheses dropped (``[LAUGHTER]``), every character that is no letter, digit or
apostrophe turned into a space, apostrophes at either end of a word dropped, white space collapsed.
Numbers stay as written ("20" is not "twenty"); no stemming, no spelling variants. This is the
normaliser ``plain``; ``whisper`` is that of Radford et al. (2023) for English, which also equates
numbers with digits, contractions, titles and British spellings, and drops hesitations.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from mmser.core.errors import MmserError, UsageError

PLAIN, WHISPER = "plain", "whisper"
NORMALISERS = (PLAIN, WHISPER)

_BRACKETS = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_APOSTROPHES = str.maketrans({"\N{RIGHT SINGLE QUOTATION MARK}": "'", "`": "'"})
_OTHER = re.compile(r"[^\w']|_")


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Counts over all utterances; ``rate`` is the sum of errors over the reference ``words``."""

    substitutions: int
    deletions: int
    insertions: int
    words: int

    @property
    def rate(self) -> float:
        """May exceed 1: a recogniser can insert more words than were spoken."""
        return (self.substitutions + self.deletions + self.insertions) / self.words


def normalise_text(text: str) -> str:
    """The normalisation of the module docstring."""
    plain = unicodedata.normalize("NFKC", text).lower().translate(_APOSTROPHES)
    words = _OTHER.sub(" ", _BRACKETS.sub(" ", plain)).split()
    stripped = [word.strip("'") for word in words]
    return " ".join(word for word in stripped if word)


def normaliser_of(name: str) -> Callable[[str], str]:
    """The normaliser ``plain`` or ``whisper``. Raises UsageError for another name."""
    if name not in NORMALISERS:
        raise UsageError(
            f"a normaliser of text: {' or '.join(NORMALISERS)}", name, "Name one of them."
        )
    return normalise_text if name == PLAIN else _whisper_english()


@cache
def _whisper_english() -> Callable[[str], str]:
    from whisper.normalizers import EnglishTextNormalizer

    normaliser: Callable[[str], str] = EnglishTextNormalizer()
    return normaliser


def word_errors(
    references: Sequence[str], hypotheses: Sequence[str], normaliser: str = PLAIN
) -> WordErrors:
    """Errors summed over utterances, so that long ones count by their length.

    This is not the mean of the utterances' rates. References without a word are left out (no rate
    is defined for them); an empty hypothesis deletes every word.
    """
    normalise = normaliser_of(normaliser)
    import jiwer

    if len(references) != len(hypotheses):
        raise MmserError(
            "one hypothesis per reference",
            f"{len(references)} and {len(hypotheses)}",
            "Align the lists.",
        )
    spoken, recognised = [], []
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        words_spoken = normalise(reference)
        if words_spoken:
            spoken.append(words_spoken)
            recognised.append(normalise(hypothesis))
    if not spoken:
        raise MmserError(
            "at least one reference with a word", "none", "Give the transcripts of the corpus."
        )
    counts = jiwer.process_words(spoken, recognised)
    words = counts.hits + counts.substitutions + counts.deletions
    return WordErrors(counts.substitutions, counts.deletions, counts.insertions, words)

"""Words that corpora and published models have for the same emotion, and for the same dimension."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

SYNONYMS: dict[str, tuple[str, ...]] = {
    "angry": ("ang", "anger", "rage", "a"),
    "happy": ("hap", "happiness", "joy", "joyful", "happily", "h"),
    "sad": ("sadness", "s"),
    "neutral": ("neu", "neutrality", "n"),
    "fearful": ("fea", "fear", "afraid", "scared", "f"),
    "disgusted": ("dis", "disgust", "d"),
    "surprised": ("sur", "surprise", "u"),
    "contempt": ("con", "contemptuous", "c"),
    "calm": ("calmness",),
    "excited": ("exc", "excitement"),
    "frustrated": ("fru", "frustration"),
    "bored": ("boredom", "bor"),
    "other": ("oth", "others", "o"),
    "unknown": ("<unk>", "unk", "xxx", "none"),
    "arousal": ("activation", "aro"),
    "valence": ("val", "pleasure"),
    "dominance": ("dom",),
}
"""{the name here: other spellings}, abbreviations of IEMOCAP and MSP-Podcast among them."""

DIMENSIONS = ("valence", "arousal", "dominance")

_NAMES = {word: name for name, words in SYNONYMS.items() for word in (name, *words)}
_NUMBERED = re.compile(r"label[_ ]?\d+", re.IGNORECASE)


def emotion_name(label: str) -> str:
    """The name here of a label in any spelling; a word that is not listed is its own name.

    Of a bilingual label ("word/word") the last word counts.
    """
    word = label.rpartition("/")[2].strip().lower()
    return _NAMES.get(word, word)


def is_numbered(label: str) -> bool:
    """Whether a label is a number alone ("LABEL_0"), which says nothing."""
    return _NUMBERED.fullmatch(label.strip()) is not None or label.strip().isdigit()


def is_dimensional(labels: Sequence[str]) -> bool:
    """Whether all labels name dimensions such as valence."""
    return bool(labels) and all(emotion_name(label) in DIMENSIONS for label in labels)


def classes_of(
    labels: Sequence[str], classes: Sequence[str], words: Mapping[str, str]
) -> list[str | None]:
    """The class that each label means, None where it means none of ``classes``.

    A label and a class are the same emotion by their `emotion_name`; else ``words``, what a
    protocol makes of its corpus's own words ("exc" is happy), is asked in the same way.
    """
    by_name = {emotion_name(word): found for word, found in words.items() if found in classes}
    by_name |= {emotion_name(name): name for name in classes}
    return [by_name.get(emotion_name(label)) for label in labels]

"""How much of the emotion could the words alone tell, and what is right where they cannot?

Many corpora have actors say the same sentences in every emotion; others have sentences that give
their emotion away, and a system that reads them may have learnt no more than that. Two answers from
a table of predictions:

words alone
    Each utterance is given the class that its words are said in most by the *other* speakers, each
    class weighed by its size; of several such classes each counts its share, and words that nobody
    else says leave all classes equal. The UA of that is chance where the words tell nothing, or
    below: a speaker left out of an even design leaves the other classes more frequent.
equal words
    The utterances whose very words are also said in another emotion: there, words alone cannot
    separate all, and what the system gets right beyond them it has from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmser.core.target_sets.classes import class_names
from mmser.core.words import words_of
from mmser.metrics.families import families_of


@dataclass(frozen=True, slots=True)
class EqualWords:
    """Of one condition; shares are between 0 and 1, NaN where undefined.

    ``utterances`` have words and a class, ``sentences`` are the different ones among them.
    ``words_ua`` is what the words alone reach, ``chance`` one class of those present. ``shared``
    utterances have equal words in another class: ``shared_ua`` is the system's UA on them,
    ``shared_words_ua`` that of the words alone.
    """

    utterances: int
    sentences: int
    chance: float
    words_ua: float
    shared: int
    shared_ua: float
    shared_words_ua: float


def equal_words(table: pd.DataFrame) -> EqualWords | None:
    """Of `described_predictions` of one condition; None without classes or words."""
    classes = class_names(table)
    if not classes:
        return None
    spoken = _spoken(table)
    rows = table[spoken.notna() & table["target"].notna()].assign(words=spoken)
    if rows.empty or rows["target"].nunique() < 2:
        return None
    once = rows.drop_duplicates("id")
    credit = pd.Series(_credits(once, classes), index=once["id"])
    kinds = once.groupby("words")["target"].nunique()
    ambiguous = once.loc[once["words"].map(kinds) > 1, "id"]
    shared = rows[rows["id"].isin(set(ambiguous))]
    target = once.set_index("id")["target"]
    return EqualWords(
        utterances=len(once),
        sentences=len(kinds),
        chance=1 / once["target"].nunique(),
        words_ua=_mean_recall(credit, target),
        shared=len(ambiguous),
        shared_ua=_ua(shared),
        shared_words_ua=_mean_recall(credit[ambiguous], target[ambiguous]),
    )


def _spoken(table: pd.DataFrame) -> pd.Series:
    """The words of each utterance in one spelling, None where unknown."""
    empty = pd.Series(None, index=table.index, dtype=object)
    texts = table.get("transcript", empty)
    words = texts.map(lambda text: " ".join(words_of(text)) if isinstance(text, str) else "")
    named = table.get("sentence", empty).map(lambda name: str(name) if pd.notna(name) else "")
    # The numbers of two corpora are not the same sentences.
    numbered = (table["corpus"] + "\0" + named).where(named != "")
    return numbered.where(numbered.notna(), words.where(words != ""))


def _credits(rows: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """(row,) how much of the row's class its words alone would name, from the other speakers."""
    target = pd.Categorical(rows["target"], categories=list(classes)).codes
    words = pd.factorize(rows["words"])[0]
    # A row whose speaker is unnamed is a speaker of its own.
    names = rows["speaker"].where(rows["speaker"] != "", rows["id"])
    speakers = pd.factorize(rows["corpus"] + "\0" + names)[0]
    credit = np.zeros(len(rows))
    for speaker in range(speakers.max() + 1):
        own = speakers == speaker
        counts = np.zeros((words.max() + 1, len(classes)))
        np.add.at(counts, (words[~own], target[~own]), 1.0)
        sizes = counts.sum(axis=0)
        shares = counts / np.maximum(sizes, 1.0)
        # A class that no other speaker has cannot be named.
        shares[:, sizes == 0] = -1.0
        told = shares[words[own]]
        best = np.isclose(told, told.max(axis=1, keepdims=True), rtol=1e-9, atol=1e-12)
        credit[own] = (best / best.sum(axis=1, keepdims=True))[np.arange(own.sum()), target[own]]
    return credit


def _mean_recall(credit: pd.Series, target: pd.Series) -> float:
    return float(credit.groupby(target).mean().mean()) if len(credit) else float("nan")


def _ua(rows: pd.DataFrame) -> float:
    if rows.empty:
        return float("nan")
    scores = [family.scores() for family in families_of(rows)]
    return next(each["ua"] for each in scores if "ua" in each)

"""From a corpus's own words or numbers to the classes of a protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError, listed_faults
from mmser.core.spelling import near_equal
from mmser.core.tables import require_columns


def check_spelling(words: pd.Series, vocabulary: Collection[str], column: str) -> None:
    """Raise MmserError where words of a manifest's ``column`` differ in spelling alone.

    That is in case, spaces or the form of their characters, from each other or from the protocol's
    ``vocabulary``. Such a word would be a class of its own, or take no part. Several spellings
    within the vocabulary are the protocol's own affair.
    """
    counts = Counter(words.dropna().astype(str))
    groups = [group for group in near_equal([*counts, *vocabulary]) if set(group) - set(vocabulary)]
    if groups:
        faults = [", ".join(_counted(word, counts[word]) for word in group) for group in groups]
        raise listed_faults(
            f"one spelling of each word in the column {column}",
            faults,
            "Write each word in one way.",
        )


def _counted(word: str, count: int | None) -> str:
    return f"'{word}' ({count} utterances)" if count else f"'{word}' (the protocol's)"


def read_label_file(path: Path) -> dict[str, str]:
    """{utterance id: word} of a csv with the columns id and label.

    Every id must come once; rows without a label are left out.
    """
    if not path.is_file():
        raise MmserError(
            "protocol.label_file, a csv with the columns id,label",
            f"no file {path}",
            "Give its path.",
        )
    table = read_csv_file(path)
    require_columns(table, ("id", "label"), str(path))
    repeated = sorted(set(table.loc[table["id"].duplicated(), "id"].dropna()))
    if repeated:
        raise listed_faults(f"every id once in {path}", repeated, "Remove the further rows.")
    table = table.dropna(subset=["id", "label"])
    return dict(zip(table["id"], table["label"], strict=True))


def as_numbers(words: pd.Series, column: str) -> pd.Series:
    """A column of numbers (float64, NaN where missing). Raises MmserError where a cell is none."""
    numbers = pd.to_numeric(words, errors="coerce")
    wrong = [f"'{word}'" for word in words[numbers.isna() & words.notna()].unique()]
    if wrong:
        raise listed_faults(
            f"numbers in the column {column} of the manifest", wrong, "Correct the table."
        )
    return numbers.astype("float64")


def binned(
    words: pd.Series, column: str, edges: Sequence[float], classes: Sequence[str]
) -> pd.Series:
    """The class of each number: class 0 up to and including the first edge, and so on.

    ``classes`` are one more than ``edges``; a missing number has no class (None).
    """
    numbers = as_numbers(words, column)
    places = np.searchsorted(np.asarray(edges, dtype=float), numbers, side="left")
    # A missing number is sorted behind all others; its class is taken away below.
    names = [classes[place] for place in places.clip(0, len(edges))]
    return pd.Series(names, index=words.index, dtype=object).where(words.notna(), None)

"""From a corpus's own words to the classes of a protocol, and what speaks against taking them as
they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError, listed_faults
from mmser.core.spelling import near_equal
from mmser.core.tables import require_columns


def check_spelling(words: pd.Series, known: Collection[str], column: str) -> None:
    """Raise MmserError where words of a manifest's ``column``, or of the protocol, differ in
    spelling alone.

    That is in case, spaces or the form of their characters. Such a word would be a class of its
    own, or take no part. What the protocol knows (``known``) in several spellings is its own
    affair.
    """
    counts = Counter(words.dropna().astype(str))
    groups = [group for group in near_equal([*counts, *known]) if set(group) - set(known)]
    if groups:
        told = [", ".join(_counted(word, counts[word]) for word in group) for group in groups]
        raise listed_faults(
            f"one spelling of each word in the column {column}", told, "Write each word in one way."
        )


def _counted(word: str, count: int | None) -> str:
    return f"'{word}' ({count} utterances)" if count else f"'{word}' (the protocol's)"


def read_label_file(path: Path) -> dict[str, str]:
    """{utterance id: word} of a csv with the columns id and label; every id once, an empty label
    left out.
    """
    if not path.is_file():
        raise MmserError(
            "protocol.label_file, a csv with the columns id,label",
            f"no file {path}",
            "Give its path.",
        )
    table = read_csv_file(path)
    require_columns(table, ("id", "label"), str(path))
    twice = sorted(set(table.loc[table["id"].duplicated(), "id"].dropna()))
    if twice:
        raise listed_faults(f"every id once in {path}", twice, "Remove the further rows.")
    table = table.dropna(subset=["id", "label"])
    return dict(zip(table["id"], table["label"], strict=True))


def as_numbers(words: pd.Series, column: str) -> pd.Series:
    """A column of numbers (float64, NaN where missing). Raises MmserError where a cell is none."""
    numbers = pd.to_numeric(words, errors="coerce")
    wrong = [f"'{word}'" for word in words[numbers.isna() & words.notna()].unique()]
    if wrong:
        raise listed_faults(
            f"numbers in the column {column} of the manifest", wrong, "Mend the table."
        )
    return numbers.astype("float64")

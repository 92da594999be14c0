"""What a newly drafted table should be looked at for: nothing of it is an error."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from mmser.core.errors import SHOWN_FAULTS
from mmser.corpora.manifest import PATHS

FEW = 5
"""Utterances of a label, or of a speaker, below which a score says little about it."""


def remarks(table: pd.DataFrame, folder: Path) -> list[str]:
    """One line each: what was left out, empty files, rare labels, speakers that hardly speak.

    ``folder`` is where the paths of the table begin.
    """
    lines = [
        *_listed("left out", table.attrs.get("left out", [])),
        *_listed("empty, 0 bytes", list(_empty(table, folder))),
        *_rare_labels(table),
    ]
    counts = table["speaker"].value_counts()
    # A speaker of few utterances is a fold of its own, or the one that validates another.
    if len(counts) > 1 and counts.max() >= FEW:
        hardly = [f"{name} ({count})" for name, count in counts.items() if count < FEW]
        lines += _listed(f"speakers with fewer than {FEW} utterances", hardly)
    return lines


def _rare_labels(table: pd.DataFrame) -> Iterator[str]:
    if "emotion" not in table:
        return
    counts = table["emotion"].value_counts()
    frequent = [str(word) for word, count in counts.items() if count >= FEW]
    if not frequent:
        return
    for word, count in counts.items():
        if count < FEW:
            near = get_close_matches(str(word), frequent, n=1, cutoff=0.7)
            meant = f": is it {near[0]}? --map {word}={near[0]}" if near else ""
            plural = "" if count == 1 else "s"
            yield f"label {word}: {count} utterance{plural}, weighed like every class by UA{meant}"


def _empty(table: pd.DataFrame, folder: Path) -> Iterator[str]:
    """Files of no bytes."""
    for column in PATHS:
        for cell in table[column].dropna().unique() if column in table else ():
            path = folder / str(cell)
            if path.is_file() and path.stat().st_size == 0:
                yield str(cell)


def _listed(what: str, cases: list[str]) -> Iterator[str]:
    if cases:
        more = f", and {len(cases) - SHOWN_FAULTS} more" if len(cases) > SHOWN_FAULTS else ""
        yield f"{what}: {', '.join(cases[:SHOWN_FAULTS])}{more}"

"""Tiers of an annotation file: which holds the emotions, and what the others add to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError, UsageError, listed_faults
from mmser.core.spelling import spelling

Mark = tuple[float, float, str]
"""Start and end (s), and the label."""

VALUES = ("valence", "arousal", "dominance")
TRANSCRIPTS = ("text", "transcript", "words", "utterance")


@dataclass(frozen=True)
class Annotated:
    """What one file says about one recording: rows of a manifest, without the recording's path.

    ``media`` are the names that the file itself has for the recording, the likeliest first.
    """

    media: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


def rows_of_tiers(
    tiers: Mapping[str, Sequence[Mark]], wanted: str | None, source: Path
) -> list[dict[str, Any]]:
    """One row per mark of the tier of emotions, in order of time.

    Tiers of values (valence) and of words add to a row what they say of exactly its stretch. Where
    no tier has emotions and one has values, its marks are the rows. Raises MmserError for labels
    without length, and where several tiers could be meant.
    """
    values = [name for name in tiers if spelling(name) in VALUES]
    named = tier_of_emotions(tiers, wanted, source, optional=bool(values))
    rows: dict[tuple[float, float], list[dict[str, Any]]] = {}
    faults = []
    for name in values if named is None else [named, *_further(tiers, named)]:
        for start, end, label in tiers[name]:
            if not label.strip():
                continue
            if not end > start:
                faults.append(f"'{label}' at {start:g} s")
            told = {} if named is None else {"emotion": label.strip()}
            known = rows.setdefault((start, end), [])
            if named is not None or not known:
                known.append({"start": start, "end": end, **told})
    if faults:
        raise listed_faults(
            f"stretches with a length in {source}", faults, "Give each a start and an end."
        )
    for name in tiers:
        column = _column(name)
        if name != named and column is not None:
            for start, end, label in tiers[name]:
                for row in rows.get((start, end), []):
                    row.setdefault(column, label.strip())
    return [row for span in sorted(rows) for row in rows[span]]


def tier_of_emotions(
    names: Mapping[str, Any], wanted: str | None, source: Path, optional: bool = False
) -> str | None:
    """The tier that ``wanted`` names, else the one called emotion, else the only one.

    None where none is called so and ``optional``.
    """
    shown = ", ".join(names) or "none"
    if wanted is not None:
        if wanted not in names:
            raise UsageError(f"a tier of {source} ({shown}) in --tier", wanted, "Correct --tier.")
        return wanted
    called = [name for name in names if spelling(name) in ("emotion", "emotions")]
    if len(called) == 1:
        return called[0]
    if optional:
        return None
    if len(names) != 1:
        raise MmserError(
            f"one tier in {source}, or one called emotion", shown, "Name it with --tier."
        )
    return next(iter(names))


def _further(tiers: Mapping[str, Any], name: str) -> list[str]:
    """``emotion 2``, ``emotion 3``: what overlaps with marks of ``emotion``."""
    return [other for other in tiers if re.fullmatch(re.escape(name) + r" \d+", other)]


def _column(name: str) -> str | None:
    """The column of a manifest that a tier fills, whatever its number."""
    plain = spelling(re.sub(r" \d+$", "", name))
    if plain in TRANSCRIPTS:
        return "transcript"
    return plain if plain in VALUES else None

"""What a protocol expects of a corpus, and in what a given copy differs, down to the utterance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import require_columns

Counts = Mapping[str, int | Mapping[str, int]]
"""``total``: how many utterances take part; any other key is a column (``label``, ``session``,
``part``, ``speaker``) with the number of utterances by value, ``part/label`` its two columns joined
by a slash. ``each_speaker`` is the number every speaker that is present has, ``speakers`` how many
of them the whole corpus has (see `fewer_speakers`)."""

SHOWN = 12
NUMBERS = ("total", "speakers", "each_speaker")
LONGEST_RANGE = 5
"""Digits of the last number of a range."""

BRACES = re.compile(r"\{([^{}]*)\}")


def differences(table: pd.DataFrame, counts: Counts, ids: Sequence[str]) -> list[str]:
    """One line per count or id list that ``table`` does not meet.

    ``table`` has the columns of the manifest and ``label``. ``ids`` are patterns as in a shell,
    ``03-{01..08}-{a,b}``; ``{speaker}`` in a pattern stands for each speaker that is present, so
    that half a corpus can be checked in full.
    """
    if not isinstance(counts, Mapping):
        raise MmserError(
            "protocol.counts to be a mapping {total: 535, ...}", str(counts), "Correct it."
        )
    by_id = list(_id_differences(table, ids))
    return by_id or list(_count_differences(table, counts))


def fewer_speakers(table: pd.DataFrame, counts: Counts) -> list[str]:
    """A line when whole speakers of the corpus are missing.

    What is there can be checked in full all the same, and used.
    """
    present, expected = table["speaker"].unique(), counts.get("speakers")
    if not isinstance(expected, int) or len(present) >= expected:
        return []
    return [f"{len(present)} speakers, not {expected} ({shortened(present)})"]


def expand(pattern: str) -> Iterator[str]:
    """``a{01..03}{x,y}`` -> a01x, a01y, a02x, ...: comma lists and number ranges (width kept)."""
    braces = BRACES.search(pattern)
    if not braces:
        yield pattern
        return
    before, after = pattern[: braces.start()], pattern[braces.end() :]
    for choice in _choices(braces[1]):
        yield from expand(before + choice + after)


def _choices(content: str) -> list[str]:
    if ".." not in content:
        return content.split(",")
    first, _, last = content.partition("..")
    if not (first.isdecimal() and last.isdecimal() and len(last) <= LONGEST_RANGE):
        expected = "ranges such as {01..12} or lists such as {a,b} in protocol.ids"
        raise MmserError(expected, f"{{{content}}}", "Correct the pattern.")
    return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]


def _id_differences(table: pd.DataFrame, patterns: Sequence[str]) -> Iterator[str]:
    if not patterns:
        return
    speakers = ",".join(sorted(table["speaker"].unique()))
    filled = [pattern.replace("{speaker}", f"{{{speakers}}}") for pattern in patterns]
    expected = set(chain.from_iterable(map(expand, filled)))
    present = set(table["id"])
    if missing := expected - present:
        yield f"{len(missing)} missing: {shortened(missing)}"
    if foreign := present - expected:
        yield f"{len(foreign)} not of the corpus: {shortened(foreign)}"


def _count_differences(table: pd.DataFrame, counts: Counts) -> Iterator[str]:
    for key, expected in counts.items():
        if key not in NUMBERS and not isinstance(expected, Mapping):
            raise MmserError(
                f"{', '.join(NUMBERS)}, or a column with the number of utterances by value, "
                "in protocol.counts",
                f"{key}: {expected}",
                "Correct it.",
            )
        if key == "total":
            if len(table) != expected:
                yield f"{len(table)} utterances, not {expected}"
        elif key == "each_speaker":
            yield from _column_differences(
                table, "speaker", dict.fromkeys(sorted(table["speaker"].unique()), expected)
            )
        elif key == "speakers":
            present = table["speaker"].unique()
            if isinstance(expected, int) and len(present) > expected:
                yield f"{len(present)} speakers, not {expected} ({shortened(present)})"
        elif isinstance(expected, Mapping):
            yield from _column_differences(table, key, expected)


def _column_differences(
    table: pd.DataFrame, key: str, expected: Mapping[str, object]
) -> Iterator[str]:
    require_columns(table, key.split("/"), f"a manifest for protocol.counts.{key}")
    members: dict[str, list[str]] = {}
    columns = [table[name] for name in key.split("/")]
    for identity, *values in zip(table["id"], *columns, strict=True):
        members.setdefault("/".join(map(str, values)), []).append(identity)
    for value, number in expected.items():
        ids = members.pop(str(value), [])
        if len(ids) != number:
            yield f"{key} {value}: {len(ids)}, not {number} ({shortened(ids)})"
    for value, ids in sorted(members.items()):
        yield f"{key} {value}: not expected ({shortened(ids)})"


def shortened(ids: Iterable[str]) -> str:
    """The first few ids, sorted, and how many more there are."""
    ordered = sorted(ids)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return (", ".join(ordered[:SHOWN]) or "none") + more

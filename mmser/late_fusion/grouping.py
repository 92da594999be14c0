"""Which recordings stay together in a fold: one subject's, and a conversation's two partners'."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError

_SUBJECT = re.compile(
    r"(?<![a-z0-9])((?:subject|subj|sub|speaker|spk|participant|actor|person|pid)[-_ ]?\d+|ses\d+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Grouping:
    """``groups`` maps each recording to its group; ``how`` says in words what the groups are."""

    groups: dict[str, str]
    how: str

    @property
    def names(self) -> list[str]:
        """The groups in the order of their recordings."""
        return list(dict.fromkeys(self.groups[name] for name in sorted(self.groups)))

    def folds(self, count: int, among: Sequence[str] | None = None) -> list[list[str]]:
        """``count`` lists of recordings, no group in two of them.

        Groups are dealt out in turn, in the order of their names, so that neighbours (one culture,
        one session) are spread over the folds. ``among`` restricts to these recordings.
        """
        recordings = sorted(self.groups if among is None else among)
        order = list(dict.fromkeys(self.groups[name] for name in recordings))
        folds: list[list[str]] = [[] for _ in range(min(count, len(order)))]
        for name in recordings:
            folds[order.index(self.groups[name]) % len(folds)].append(name)
        return folds


def group_recordings(lengths: Mapping[str, int], subjects: str | Path | None = None) -> Grouping:
    """Groups from a table of subjects, or from names and label ``lengths`` (frames).

    Without a table: a part of the name such as ``sub03``, ``speaker_3`` or ``Ses01`` in every name
    is the group. Else each recording is its own subject, and if each has exactly one partner with
    as many labelled frames (to a frame or two) under the same name without its number, the two are
    one conversation.
    """
    if subjects is not None:
        return _from_table(lengths, Path(subjects))
    matches = {name: _SUBJECT.search(name) for name in lengths}
    if all(matches.values()):
        groups = {name: match.group(1).lower() for name, match in matches.items() if match}
        return Grouping(
            groups, f"{len(set(groups.values()))} subjects, read from the recordings' names"
        )
    pairs = _partners(lengths)
    if pairs:
        how = f"{len(pairs) // 2} conversations of two subjects each, paired by their equal lengths"
        return Grouping(pairs, how)
    return Grouping(
        {name: name for name in lengths},
        f"{len(lengths)} recordings, each taken for a subject of its own",
    )


def _from_table(lengths: Mapping[str, int], path: Path) -> Grouping:
    """Columns ``name`` and ``subject``, and ``dyad`` or ``group`` where partners are together."""
    if not path.is_file():
        raise MmserError(
            "a table of subjects",
            f"no file {path}",
            "Write a csv with the columns name and subject.",
        )
    table = read_csv_file(path)
    table.columns = pd.Index([str(column).strip().lower() for column in table.columns])
    # The widest group that the table names counts.
    columns = [c for c in ("group", "dyad", "conversation", "subject") if c in table.columns]
    key = columns[0] if columns else None
    if key is None or "name" not in table.columns:
        raise MmserError(
            "the columns name and subject (or dyad)",
            f"{', '.join(table.columns)} in {path}",
            "Rename the columns.",
        )
    group_of = dict(zip(table["name"].str.strip("'\""), table[key], strict=True))
    missing = [name for name in lengths if not isinstance(group_of.get(name), str)]
    if missing:
        expected = f"the {key} of every labelled recording in {path}"
        raise MmserError(
            expected, f"none for {', '.join(missing[:3])} ({len(missing)} in all)", "Add the rows."
        )
    groups = {name: group_of[name] for name in lengths}
    return Grouping(
        groups, f"{len(set(groups.values()))} groups, by the column '{key}' of {path.name}"
    )


def _partners(lengths: Mapping[str, int]) -> dict[str, str]:
    """{recording: pair} when everybody has exactly one partner, else nothing."""
    if len(set(lengths.values())) < 2:
        return {}
    series: dict[str, list[str]] = {}
    for name in sorted(lengths):
        series.setdefault(re.sub(r"\d+$", "", name), []).append(name)
    groups: dict[str, str] = {}
    for names in series.values():
        by_length: dict[int, list[str]] = {}
        for name in names:
            by_length.setdefault(lengths[name], []).append(name)
        # Two recordings of exactly one length are a pair; the others are paired by like length.
        pairs = [same for same in by_length.values() if len(same) == 2]
        rest = [name for name in names if len(by_length[lengths[name]]) != 2]
        rest.sort(key=lambda name: lengths[name])
        pairs += [rest[i : i + 2] for i in range(0, len(rest), 2)]
        if any(len(pair) != 2 or abs(lengths[pair[0]] - lengths[pair[1]]) > 2 for pair in pairs):
            return {}
        for pair in pairs:
            groups |= dict.fromkeys(pair, "+".join(sorted(pair)))
    return groups

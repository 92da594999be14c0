"""What looks wrong in a corpus, the gravest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from mmser.reports.explore.material import MOST_PAIRS, NO_LABEL, Material, robust_z

SILENCE = "silence"
"""The failure of a recording without sound."""
FAR = 3.5
"""Robust z from which a value is an outlier (Iglewicz and Hoaglin, 1993)."""
FEW = 5
"""Utterances of a label below which no fold can train on it."""
EQUAL = 0.5
"""Share of recordings of one very length from which they were cut or padded."""


@dataclass(frozen=True)
class Finding:
    """One kind of trouble: ``cases`` are (id or name, what of it), ``ids`` what can be heard."""

    title: str
    why: str
    cases: tuple[tuple[str, str], ...]
    ids: tuple[str, ...] = ()


def findings(material: Material) -> list[Finding]:
    """Every kind of trouble that the corpus has."""
    found = [search(material) for search in _SEARCHES]
    return [each for each in found if each.cases]


def _absent(material: Material) -> Finding:
    cases = tuple((key, str(path)) for key, path in material.absent)
    return Finding("Files that are not there", "The manifest names them.", cases)


def _unreadable(material: Material) -> Finding:
    gone = {key for key, _ in material.absent}
    failed = material.sound[material.sound["failure"].notna()]
    failed = failed[~failed["id"].isin(gone) & (failed["failure"] != SILENCE)]
    cases = _cases(failed, lambda row: f"{row['failure']}: {row['detail']}")
    return Finding("Files that could not be read", "They would fail in every extractor.", cases)


def _silent(material: Material) -> Finding:
    rows = material.sound[material.sound["failure"] == SILENCE]
    cases = _cases(rows, lambda row: str(row["detail"]))
    return Finding("Silent recordings", "Nothing can be heard: every extractor fails.", cases)


def _same_sound(material: Material) -> Finding:
    heard = material.heard.sort_values("id")
    cases, ids = [], []
    for _, rows in heard.groupby("sound", sort=False):
        if len(rows) < 2:
            continue
        same_file = rows["content"].nunique() == 1
        what = "the same file" if same_file else "other files, the same samples"
        cases.append((", ".join(rows["id"]), f"{what}{_between(rows)}"))
        ids += list(rows["id"][:2])
    why = (
        "The same sound twice: in training and test at once it counts as a success that is none, "
        "and under two labels one of them is wrong."
    )
    return Finding("Equal recordings", why, _crossing_first(cases), tuple(ids))


def _nearly_same(material: Material) -> Finding:
    heard = material.heard.set_index("id")
    cases, ids = [], []
    for first, second, cosine in material.alike:
        rows = heard.loc[[first, second]]
        cases.append((f"{first}, {second}", f"cosine {cosine:.4f}{_between(rows)}"))
        ids += [first, second]
    why = (
        "Lengths within 2 % and nearly equal coarse spectrograms: perhaps one recording at another "
        "level or encoded again. Listen before deleting; close repetitions can be as like."
        + (f" The first {MOST_PAIRS} pairs." if len(material.alike) == MOST_PAIRS else "")
    )
    return Finding("Nearly equal recordings", why, _crossing_first(cases), tuple(ids))


def _between(rows: pd.DataFrame) -> str:
    crossing = [
        f"different {what}s ({', '.join(sorted(rows[column].unique()))})"
        for column, what in (("speaker", "speaker"), ("word", "label"))
        if rows[column].nunique() > 1
    ]
    return "".join(f"; {each}" for each in crossing)


def _crossing_first(cases: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(cases, key=lambda case: "different" not in case[1]))


def _clipped(material: Material) -> Finding:
    rows = material.heard[material.heard["clipped"] > 0].sort_values("clipped", ascending=False)
    return _audible(
        rows,
        "Clipped recordings",
        "Three or more samples in a row at full scale, at 16 kHz and in mono: the level was too "
        "high.",
        lambda row: f"stretches: {int(row['clipped'])}",
    )


def _length(material: Material) -> Finding:
    seconds = material.heard.loc[material.heard["seconds"] > 0]
    scores = robust_z(seconds["seconds"].astype(float).map(math.log))
    return _audible(
        _outliers(seconds, scores),
        "Much longer or shorter than the others",
        f"Robust z of the logarithm of the length beyond {FAR}.",
        lambda row: f"{row['seconds']:.2f} s, z = {row['z']:+.1f}",
    )


def _equal_length(material: Material) -> Finding:
    lengths = material.heard["seconds"].value_counts()
    cases: tuple[tuple[str, str], ...] = ()
    if len(material.heard) > FEW and lengths.iloc[0] > EQUAL * len(material.heard):
        share = lengths.iloc[0] / len(material.heard)
        cases = ((f"{share:.0%} of the recordings", f"exactly {lengths.index[0]:.3f} s"),)
    why = "Speech has no such lengths: they were cut, which loses ends, or padded."
    return Finding("Cut or padded to one length", why, cases)


def _level(material: Material) -> Finding:
    rows = material.heard
    scores = robust_z(rows["level"].astype(float))
    return _audible(
        _outliers(rows, scores),
        "Much louder or softer than the others",
        f"Robust z of the level beyond {FAR}.",
        lambda row: f"{row['level']:.1f} dB, z = {row['z']:+.1f}",
    )


def _apart(material: Material) -> Finding:
    far = pd.Series(material.distances, dtype=float)
    rows = pd.DataFrame({"id": far.index, "distance": far.to_numpy()})
    logarithms = rows["distance"].where(rows["distance"] > 0).map(math.log, na_action="ignore")
    far_rows = _outliers(rows, robust_z(logarithms))
    return _audible(
        far_rows[far_rows["z"] > 0],
        "Unlike all others",
        f"The mean of {material.features} over time is far from its fifth nearest neighbour: "
        f"robust z of the logarithm beyond {FAR}.",
        lambda row: f"z = {row['z']:+.1f}",
    )


def _outliers(rows: pd.DataFrame, scores: pd.Series) -> pd.DataFrame:
    far = rows.assign(z=scores)[scores.abs() > FAR]
    return far.sort_values("z", key=abs, ascending=False)


def _few(material: Material) -> Finding:
    counts = material.manifest["word"].value_counts()
    cases = tuple(
        (str(word), f"{count} utterance{'' if count == 1 else 's'}")
        for word, count in counts.items()
        if count < FEW and word != NO_LABEL
    )
    why = f"Fewer than {FEW} utterances: too few to train on and to test. Map it, or leave it out."
    return Finding("Rare labels", why, cases)


def _one_class(material: Material) -> Finding:
    labelled = material.manifest[material.manifest["word"] != NO_LABEL]
    several = labelled["word"].nunique() > 1
    by_speaker = labelled.groupby("speaker")["word"].agg(["nunique", "size", "first"])
    cases = tuple(
        (str(speaker) or "(unnamed)", f"{row['first']}, {row['size']} utterances")
        for speaker, row in by_speaker.iterrows()
        if row["nunique"] == 1 and row["size"] > 1 and several
    )
    why = "The voice gives the class away in training, and in test a class is missing."
    return Finding("Speakers with one label", why, cases)


def _audible(rows: pd.DataFrame, title: str, why: str, what: Callable[[pd.Series], str]) -> Finding:
    return Finding(title, why, _cases(rows, what), tuple(rows["id"]))


def _cases(rows: pd.DataFrame, what: Callable[[pd.Series], str]) -> tuple[tuple[str, str], ...]:
    return tuple((str(row["id"]), what(row)) for _, row in rows.iterrows())


_SEARCHES: tuple[Callable[[Material], Finding], ...] = (
    _absent,
    _unreadable,
    _silent,
    _same_sound,
    _nearly_same,
    _equal_length,
    _few,
    _one_class,
    _clipped,
    _length,
    _level,
    _apart,
)


def worth_hearing(found: list[Finding], most: int) -> Iterator[str]:
    """At most so many different ids, some of each kind of trouble, the gravest kinds first."""
    queues = [list(dict.fromkeys(each.ids)) for each in found]
    chosen: dict[str, None] = {}
    while any(queues) and len(chosen) < most:
        for queue in queues:
            if queue and len(chosen) < most:
                chosen[queue.pop(0)] = None
    yield from chosen

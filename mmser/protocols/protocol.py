"""A protocol: which utterances of a corpus take part, under which label, in which part of which
fold.

It reads the manifest alone. `Protocol.check` compares the copy at hand with the published counts,
`Protocol.assign` makes the fold assignment that is saved with every run. Rules no configuration can
break are guarded here: the parts of a fold are disjoint, and unless the fold plan is marked
speaker-dependent no speaker is in two of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import ASSIGNMENT_COLUMNS, require_columns
from mmser.protocols.counts import differences, fewer_speakers, shortened
from mmser.protocols.folds import Fold, FoldPlan
from mmser.protocols.words import as_numbers, check_spelling, read_label_file

PARTS = ("train", "validation", "test")
FOLD_COLUMNS = ("id", "speaker", "session", "gender", "part", "label")
LINES = 20
"""Differences that an error message spells out."""
ANY_CORPUS = "generic"
"""A protocol of this corpus takes any manifest."""


@dataclass(frozen=True)
class Protocol:
    """The evaluation rules of one line of the literature.

    ``labels`` maps the corpus's own words (of ``label_column``) to class names; words it does not
    name take no part. An empty mapping takes each word as its own class, and empty ``classes``
    without ``values`` means "those the manifest has" (see `resolve`). ``bins`` cuts a numeric
    ``label_column`` instead: class 0 up to and including the first edge, and so on. ``values`` are
    dimensional targets; an utterance without them takes no part, and ``value_range`` is their
    scale. ``where`` keeps rows whose column has one of the values. ``label_file`` is a csv (id,
    label) with labels that replace the corpus's own. ``counts`` and ``ids`` are what a complete
    corpus has (`mmser.protocols.counts`); with ``allow_incomplete`` a difference is reported by
    `check` but stops nothing.
    """

    name: str
    corpus: str
    folds: FoldPlan
    classes: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    label_column: str = "emotion"
    bins: Sequence[float] = ()
    values: Sequence[str] = ()
    value_range: Mapping[str, Sequence[float]] = field(default_factory=dict)
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    label_file: str | Path | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    ids: Sequence[str] = ()
    allow_incomplete: bool = False
    default: bool = False
    title: str = ""

    @property
    def speaker_dependent(self) -> bool:
        """The same voices are in training and test: every report says so."""
        return self.folds.speaker_dependent

    def resolve(self, manifest: pd.DataFrame) -> Protocol:
        """The protocol with its classes filled in from the manifest, where the configuration leaves
        them open.
        """
        if self.classes or self.values:
            return self
        found = tuple(sorted(self.participants(manifest)["label"].unique()))
        return replace(self, classes=found)

    def check(self, manifest: pd.DataFrame) -> list[str]:
        """In what the manifest differs from the published corpus, one line each; empty when it does
        not.

        Raises MmserError with these lines, naming utterances, unless ``allow_incomplete``. A part
        of a corpus that has whole speakers less is a line too, but stops nothing.
        """
        table = self.participants(manifest)
        found = differences(table, self.counts, list(self.ids))
        if found and not self.allow_incomplete:
            raise MmserError(
                f"{self.corpus} complete as protocol {self.name} defines it",
                "; ".join(found[:LINES])
                + (f"; and {len(found) - LINES} further differences" if found[LINES:] else ""),
                "Complete the corpus, or go on with protocol.allow_incomplete=true (recorded in "
                "the run).",
            )
        return [*fewer_speakers(table, self.counts), *found]

    def participants(self, manifest: pd.DataFrame) -> pd.DataFrame:
        """The rows that take part, sorted by id, with a further column ``label`` (class name or
        None).
        """
        require_columns(manifest, ("id", "corpus", "speaker"), "a manifest")
        self._check_corpus(manifest)
        table = manifest.copy()
        for column, wanted in self.where.items():
            require_columns(table, (column,), f"a manifest for protocol {self.name}")
            table = table[table[column].isin([str(value) for value in wanted])]
        table = table.assign(label=self._labels(table))
        keep = table["label"].notna() if self._categorical else pd.Series(True, index=table.index)
        for name in self.values:
            require_columns(table, (name,), f"a manifest for protocol {self.name}")
            keep &= as_numbers(table[name], name).notna()
        kept = table[keep].sort_values("id", ignore_index=True)
        if kept.empty:
            raise self._without_labels(manifest)
        return kept

    def assign(self, manifest: pd.DataFrame) -> pd.DataFrame:
        """One row per (utterance, fold): id, fold, part, label; only utterances that take part.

        What a fold trains on without labels is in "train" and has none. Deterministic: the same
        manifest in any row order gives the same table.
        """
        table = self.participants(manifest)
        blank = pd.Series("", index=table.index)
        view = pd.DataFrame(
            {name: table.get(name, blank).fillna("").astype(str) for name in FOLD_COLUMNS}
        )
        speakers = dict(zip(view["id"], view["speaker"], strict=True))
        labels = dict(zip(table["id"], table["label"], strict=True))
        rows = []
        for fold in self.folds(view):
            guard(fold, speakers, self.speaker_dependent, self.name)
            if self._categorical:
                self._check_classes(fold, labels)
            rows += [(i, fold.name, part, labels[i]) for part in PARTS for i in getattr(fold, part)]
            rows += [(i, fold.name, "train", None) for i in fold.unlabelled]
        return pd.DataFrame(rows, columns=list(ASSIGNMENT_COLUMNS))

    @property
    def _categorical(self) -> bool:
        return bool(self.classes) or not self.values

    def _check_classes(self, fold: Fold, labels: Mapping[str, str | None]) -> None:
        found = sorted({label for label in map(labels.get, fold.train) if label is not None})
        if len(found) < 2:
            expected = f"at least two classes in the train part of fold {fold.name}"
            remedy = f"Use data that has more classes for protocol {self.name}."
            raise MmserError(expected, ", ".join(found) or "no label", remedy)

    def _without_labels(self, manifest: pd.DataFrame) -> MmserError:
        wanted = ", ".join(self.labels or self.classes or self.values) or "at all"
        words = {
            str(word) for word in manifest.get(self.label_column, pd.Series(dtype=str)).dropna()
        }
        # The label may stand in a column of another name.
        columns = [str(name) for name in manifest.columns if manifest[name].notna().any()]
        return MmserError(
            f"utterances labelled {wanted} in "
            f"{', '.join(self.values) if not self._categorical else self.label_column}",
            f"the words {shortened(words)}; the filled columns are {', '.join(columns)}",
            f"Is this the manifest of {self.corpus}?",
        )

    def _check_corpus(self, manifest: pd.DataFrame) -> None:
        others = sorted(set(manifest["corpus"]) - {self.corpus})
        if others and self.corpus != ANY_CORPUS:
            raise MmserError(
                f"the corpus {self.corpus} for protocol {self.name}",
                f"a manifest of {', '.join(others)}",
                "Choose a protocol of that corpus (`mmser list protocols`).",
            )

    def _labels(self, table: pd.DataFrame) -> pd.Series:
        """Class name of each row, None where it has none."""
        if self.values and not self.classes:
            return pd.Series(None, index=table.index, dtype=object)
        require_columns(table, (self.label_column,), f"a manifest for protocol {self.name}")
        words = table[self.label_column]
        if self.bins:
            if len(self.classes) != len(self.bins) + 1:
                expected = f"one class more than bins in protocol {self.name}"
                raise MmserError(
                    expected, f"{len(self.classes)} and {len(self.bins)}", "Correct protocol.bins."
                )
            numbers = as_numbers(words, self.label_column)
            places = np.searchsorted(np.asarray(self.bins, dtype=float), numbers, side="left").clip(
                0, len(self.bins)
            )
            named = pd.Series(
                [self.classes[place] for place in places], index=table.index, dtype=object
            )
            return named.where(words.notna(), None)
        if self.label_file is not None:
            words = table["id"].map(read_label_file(Path(self.label_file)))
        check_spelling(
            words, {*self.labels, *(() if self.labels else self.classes)}, self.label_column
        )
        named = words.map(dict(self.labels)) if self.labels else words
        known = named.isin(list(self.classes)) if self.classes else named.notna()
        return named.astype(object).where(known, None)


def guard(fold: Fold, speakers: Mapping[str, str], speaker_dependent: bool, protocol: str) -> None:
    """Raise MmserError when two parts of a fold share an utterance, a part is empty, or a speaker
    leaks.
    """
    for part in PARTS:
        if not getattr(fold, part):
            raise MmserError(
                f"utterances in the {part} part of fold {fold.name}",
                "none",
                f"Use more data for protocol {protocol}.",
            )
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        first, second = set(getattr(fold, one)), set(getattr(fold, other))
        first |= set(fold.unlabelled) if one == "train" else set()
        shared = first & second
        what = "utterance"
        if not shared and not speaker_dependent:
            shared = {speakers[i] for i in first} & {speakers[i] for i in second}
            what = "speaker"
        if shared:
            raise MmserError(
                f"{one} and {other} of fold {fold.name} to share no {what}",
                shortened(shared),
                f"Mend the fold plan of protocol {protocol}.",
            )

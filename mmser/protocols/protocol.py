"""A protocol: which utterances of a corpus take part, under which label, in which split of a fold.

It reads the manifest alone. `EvaluationProtocol.check` compares the copy at hand with the published
counts, `EvaluationProtocol.assign` makes the fold assignment that is saved with every run. The
rules that no configuration can break are in `mmser.protocols.guard`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import ASSIGNMENT_COLUMNS, SPLIT_COLUMN, require_columns
from mmser.core.task import Task
from mmser.protocols.counts import differences, fewer_speakers, shortened
from mmser.protocols.guard import check_classes, check_fold
from mmser.protocols.plan import FoldPlan
from mmser.protocols.words import as_numbers, binned, check_spelling, read_label_file

FOLD_COLUMNS = ("id", "speaker", "session", "gender", SPLIT_COLUMN, "label")
"""What a fold plan sees of the table, as text."""

LINES = 20
"""Differences that an error message spells out."""
ANY_CORPUS = "generic"
"""A protocol of this corpus takes any manifest."""


@dataclass(frozen=True)
class EvaluationProtocol:
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

    @property
    def asked(self) -> Task:
        """What it asks to predict; a training split adds its facts."""
        return Task.asking({"classes": self.classes, "values": self.values})

    def resolve(self, manifest: pd.DataFrame) -> EvaluationProtocol:
        """The protocol with its classes, from the manifest where the configuration names none."""
        if self.asked.target_sets:
            return self
        labels = self.participants(manifest)["label"].unique()
        return replace(self, classes=tuple(sorted(labels)))

    def check(self, manifest: pd.DataFrame) -> list[str]:
        """In what the manifest differs from the published corpus, one line each.

        Raises MmserError with these lines, naming utterances, unless ``allow_incomplete``. That
        whole speakers of the corpus are missing is a line too, but stops nothing.
        """
        table = self.participants(manifest)
        lines = differences(table, self.counts, list(self.ids))
        if lines and not self.allow_incomplete:
            further = len(lines) - LINES
            raise MmserError(
                f"{self.corpus} complete as protocol {self.name} defines it",
                "; ".join(lines[:LINES])
                + (f"; and {further} further differences" if further > 0 else ""),
                "Complete the corpus, or go on with protocol.allow_incomplete=true (recorded in "
                "the run).",
            )
        return [*fewer_speakers(table, self.counts), *lines]

    def participants(self, manifest: pd.DataFrame) -> pd.DataFrame:
        """The rows that take part, sorted by id, with a column ``label``: a class name or None."""
        require_columns(manifest, ("id", "corpus", "speaker"), "a manifest")
        self._check_corpus(manifest)
        table = manifest.copy()
        for column, values in self.where.items():
            require_columns(table, (column,), f"a manifest for protocol {self.name}")
            table = table[table[column].isin([str(value) for value in values])]
        table = table.assign(label=self._labels(table))
        if self._categorical:
            takes_part = table["label"].notna()
        else:
            takes_part = pd.Series(True, index=table.index)
        for name in self.asked.manifest_columns:
            require_columns(table, (name,), f"a manifest for protocol {self.name}")
            takes_part &= as_numbers(table[name], name).notna()
        participants = table[takes_part].sort_values("id", ignore_index=True)
        if participants.empty:
            raise self._without_labels(manifest)
        return participants

    def assign(self, manifest: pd.DataFrame) -> pd.DataFrame:
        """One row per (utterance, fold) of the utterances that take part: id, fold, split, label.

        What a fold trains on without labels is in "train" and has none. Deterministic: the same
        manifest in any row order gives the same table.
        """
        table = self.participants(manifest)
        missing = pd.Series("", index=table.index)
        view = pd.DataFrame(
            {name: table.get(name, missing).fillna("").astype(str) for name in FOLD_COLUMNS}
        )
        speakers = dict(zip(view["id"], view["speaker"], strict=True))
        labels = dict(zip(table["id"], table["label"], strict=True))
        rows: list[tuple[str, str, str, str | None]] = []
        for fold in self.folds(view):
            check_fold(fold, speakers, self.speaker_dependent, self.name)
            if self._categorical:
                check_classes(fold, labels, self.name)
            for split, ids in fold.splits.items():
                rows += [(identity, fold.name, split, labels[identity]) for identity in ids]
            rows += [(identity, fold.name, "train", None) for identity in fold.unlabelled]
        return pd.DataFrame(rows, columns=list(ASSIGNMENT_COLUMNS))

    @property
    def _categorical(self) -> bool:
        return bool(self.classes) or not self.asked.target_sets

    def _without_labels(self, manifest: pd.DataFrame) -> MmserError:
        columns = ", ".join(self.asked.manifest_columns)
        column = self.label_column if self._categorical else columns
        wanted = ", ".join(self.labels or self.classes)
        expected = f"utterances labelled {wanted} in the column {column}"
        if not wanted:
            expected = f"utterances with a value in {column}"
        words = manifest.get(self.label_column, pd.Series(dtype=str)).dropna()
        # The label may stand in a column of another name.
        filled = [str(name) for name in manifest.columns if manifest[name].notna().any()]
        named = {str(word) for word in words}
        labels = f"the labels {shortened(named)}" if named else "no label"
        return MmserError(
            expected,
            f"{labels}; the columns with values are {', '.join(filled)}",
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
        if not self._categorical:
            return pd.Series(None, index=table.index, dtype=object)
        require_columns(table, (self.label_column,), f"a manifest for protocol {self.name}")
        words = table[self.label_column]
        if self.bins:
            if len(self.classes) != len(self.bins) + 1:
                raise MmserError(
                    f"one class more than bins in protocol {self.name}",
                    f"{len(self.classes)} and {len(self.bins)}",
                    "Correct protocol.bins.",
                )
            return binned(words, self.label_column, self.bins, self.classes)
        if self.label_file is not None:
            words = table["id"].map(read_label_file(Path(self.label_file)))
        # Where words are mapped, the mapping's words count; else the classes are the words.
        check_spelling(words, set(self.labels or self.classes), self.label_column)
        names = words.map(dict(self.labels)) if self.labels else words
        is_class = names.isin(list(self.classes)) if self.classes else names.notna()
        return names.astype(object).where(is_class, None)

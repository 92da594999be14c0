"""Recordings that are files of the corpus a run was trained on.

Which utterances they are, and which models were trained on their speakers. A file is recognised by
its content, whatever its name and place are, where it is an utterance as a whole; one that holds
several utterances (a dialogue) by its place.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pandas import isna

from mmser.core.tables import SPLIT_COLUMN
from mmser.core.utterance import Utterance
from mmser.corpora.manifest import PATHS
from mmser.data.targets import speaker_names
from mmser.extraction.content import Contents
from mmser.media.decode import MAX_SECONDS

if TYPE_CHECKING:
    import pandas as pd

    from mmser.cache.feature_store import FeatureStore
    from mmser.inference.recording import Recording

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file of the corpus: its ``utterances`` and their ``speakers`` ("corpus/speaker").

    ``whole`` says that the file is a single utterance.
    """

    utterances: tuple[str, ...]
    speakers: tuple[str, ...]
    whole: bool


class CorpusFiles:
    """The media of a run's corpora, by its manifest, its fold assignment and its caches."""

    def __init__(
        self, manifest: pd.DataFrame, assignment: pd.DataFrame, stores: Mapping[str, FeatureStore]
    ) -> None:
        self.manifest, self.assignment, self.stores = manifest, assignment, stores
        self.heard: set[Path] = set()
        """Judged recordings whose speakers some model that judges them was trained on."""

    def find(self, recording: Recording) -> CorpusFile | None:
        """The entry of a recording in the corpus; None where it is none of its files."""
        # A longer file is no utterance: extraction refuses it.
        identifier = self._by_content(recording) if recording.seconds <= MAX_SECONDS else None
        if identifier is not None:
            return CorpusFile((identifier,), self._speakers([identifier]), whole=True)
        rows = self._by_place(recording.path)
        ids = tuple(row["id"] for row in rows)
        whole = len(rows) == 1 and _is_whole(rows[0], recording.path)
        return CorpusFile(ids, self._speakers(ids), whole) if rows else None

    def folds_with(self, speakers: Sequence[str]) -> set[str]:
        """Folds in whose training or validation split any of the speakers is."""
        used = self.assignment[self.assignment[SPLIT_COLUMN] != "test"]
        names = used["id"].map(self._speaker_of)
        return set(used.loc[names.isin(set(speakers)), "fold"].astype(str))

    def _by_content(self, recording: Recording) -> str | None:
        """The utterance whose sound or pictures were made from this very content."""
        own, contents = [Utterance("", "", "", video_path=recording.path)], Contents(1)
        digests = [*contents.of(own, "audio").values(), *contents.of(own, "face").values()]
        for digest in digests:
            if digest in self._ids_by_digest:
                return self._ids_by_digest[digest]
        return None

    @cached_property
    def _ids_by_digest(self) -> dict[str, str]:
        """{digest of the sound or the pictures: utterance}, of every utterance that has media."""
        ids_by_digest: dict[str, str] = {}
        own = set(self.manifest["id"])
        for store in self.stores.values():
            for identifier, digest in zip(store.index["id"], store.index["digest"], strict=True):
                if identifier in own:
                    ids_by_digest.setdefault(digest, identifier)
        return ids_by_digest

    def _by_place(self, path: Path) -> list[dict[Any, Any]]:
        """Rows of the manifest that name this very file."""
        columns = [list(self.manifest[column]) for column in PATHS if column in self.manifest]
        ending = f"/{path.name}"
        # Names are compared before files are: a manifest may have many rows.
        candidates = []
        for place, names in enumerate(zip(*columns, strict=True)):
            if any(isinstance(name, str) and name.endswith(ending) for name in names):
                candidates.append(place)
        rows = self.manifest.iloc[candidates].to_dict("records")
        return [row for row in rows if _names(row, path)]

    def _speakers(self, ids: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._speaker_of[identifier] for identifier in ids))

    @cached_property
    def _speaker_of(self) -> dict[str, str]:
        return dict(zip(self.manifest["id"], speaker_names(self.manifest), strict=True))


def _names(row: Mapping[Any, Any], path: Path) -> bool:
    """Whether a row of the manifest has this very file."""
    return any(_is_named(path, row.get(column)) for column in PATHS)


def _is_named(path: Path, name: object) -> bool:
    return isinstance(name, str) and Path(name).is_file() and Path(name).samefile(path)


def _is_whole(row: Mapping[Any, Any], path: Path) -> bool:
    """Whether the row's utterance is all of this file.

    It is where the utterance has no times, or where they are those of its other file.
    """
    sound, film = (row.get(column) for column in PATHS)
    if row["start"] is None or isna(row["start"]):
        return True
    # Times are those of the film; the sound has a file of its own.
    return isinstance(film, str) and sound != film and _is_named(path, sound)


def log_training(
    corpus_files: CorpusFiles,
    judging: Sequence[str],
    trained: Sequence[str],
    recording: Recording,
    file: CorpusFile,
) -> None:
    """Report which file of the corpus this is, and how many models have heard its speaker.

    ``judging`` are the folds of the models that judge it, ``trained`` those of all there are.
    """
    folds = corpus_files.folds_with(file.speakers)
    count = len(file.utterances)
    what = f"utterance {file.utterances[0]}" if count == 1 else f"{count} utterances"
    who = ", ".join(file.speakers[:3]) + (" and others" if len(file.speakers) > 3 else "")
    seen = sum(fold in folds for fold in judging)
    level, verdict = logging.INFO, f"no model that judges it has heard {who} in training"
    if seen:
        level = logging.WARNING
        corpus_files.heard.add(recording.path)
        verdict = (
            f"{seen} of the {len(judging)} models that judge it have heard {who} in "
            "training or validation"
        )
        others = [fold for fold in trained if fold not in folds]
        verdict += f"; --fold {others[0]} chooses one that has not" if others else ""
    _log.log(level, "%s is %s of the run's own corpus: %s", recording.path.name, what, verdict)


@contextmanager
def each_speaker_once() -> Iterator[None]:
    """Within it `log_training` says nothing that it has said of another file of the same speakers.

    For a command over many files.
    """
    told: set[object] = set()

    def is_new(record: logging.LogRecord) -> bool:
        verdict = record.args[-1] if isinstance(record.args, tuple) else record.msg
        is_told = verdict in told
        told.add(verdict)
        return not is_told

    _log.addFilter(is_new)
    try:
        yield
    finally:
        _log.removeFilter(is_new)

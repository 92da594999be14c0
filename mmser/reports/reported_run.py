"""A run as a report needs it. Only the predictions must be there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.cache.layout import MANIFEST, WARNINGS
from mmser.cache.tensors import load_arrays
from mmser.core.errors import MmserError
from mmser.core.file_names import name_of
from mmser.core.saved import read_saved_json
from mmser.core.tables import CLEAN, read_parquet
from mmser.core.utterance import Utterance
from mmser.corpora.manifest import JSON_COLUMNS, from_table
from mmser.evaluation.scoring.score import score
from mmser.metrics.predictions import FILE_NAME, read_predictions
from mmser.reports.cache_files import CacheFiles, read_caches
from mmser.runs.run_folder import RESTORE, RunFolder
from mmser.runs.run_paths import (
    ASSIGNMENT,
    ATTENTION,
    CONFIG,
    CURVE,
    EMBEDDED,
    EMBEDDINGS,
    ENVIRONMENT,
    FOLD,
    OWN_MANIFEST,
    fold_key,
)
from mmser.runs.run_tables import read_written_settings
from mmser.runs.shared_speakers import SharedSpeakers, count_shared
from mmser.settings.stream import StreamSpec


@dataclass(frozen=True, eq=False)
class ReportedFold:
    """One fold and seed as its folder has it: facts (fold.json) and the learning curve.

    Either may be empty.
    """

    name: str
    facts: dict[str, Any]
    curve: pd.DataFrame


class ReportedRun:
    """``folder`` is the run's; what is missing in it is empty or None here."""

    def __init__(self, folder: RunFolder, predictions: pd.DataFrame) -> None:
        self.folder, self.predictions = folder, predictions
        self.name = folder.name
        self.environment: dict[str, Any] = folder.environment if folder.has(ENVIRONMENT) else {}
        # As it is written: where the folder lies today says nothing about the run.
        self.config: dict[str, Any] = (
            read_written_settings(folder.directory) if folder.has(CONFIG) else {}
        )

    @property
    def card(self) -> dict[str, Any]:
        """The published system's card in the config."""
        return self.config.get("card") or {}

    @property
    def streams_on_own_scale(self) -> list[str]:
        """Streams for which each test speaker's own recordings, without labels, set the scale."""
        return sorted(name for name, spec in self._streams if _is(spec, "speaker_zscore"))

    @property
    def enrolments(self) -> list[str]:
        """The same for streams that know a few of these recordings: which, and by how many."""
        enrolled = [item for item in self._streams if _is(item[1], "speaker_zscore_enrolment")]
        return sorted(f"{name} by {_enrolled_with(spec)}" for name, spec in enrolled)

    @property
    def _streams(self) -> list[tuple[str, dict[str, Any]]]:
        """The streams of the run and of its stages, each once."""
        stages = (self.config.get("stages") or {}).values()
        named = [self.config, *(stage for stage in stages if stage)]
        by_name: dict[str, dict[str, Any]] = {}
        for one in named:
            for name, spec in (one.get("streams") or {}).items():
                by_name[name] = {**by_name.get(name, {}), **spec}
        return list(by_name.items())

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The score table, every scope."""
        return score(self.predictions).assign(run=self.name)

    @cached_property
    def assignment(self) -> pd.DataFrame | None:
        """The fold assignment."""
        return self.folder.table(ASSIGNMENT)

    @cached_property
    def folds(self) -> list[ReportedFold]:
        """Every fold, finished or not, by the name of its folder."""
        folds = []
        for one in sorted(self.folder.fold_folders(), key=lambda folder: folder.directory):
            facts = one.facts if one.has(FOLD) else {}
            curve = one.curve if one.has(CURVE) else pd.DataFrame()
            folds.append(ReportedFold(name_of(one.name), facts, curve))
        return folds

    @cached_property
    def embeddings(self) -> dict[tuple[str, int], tuple[pd.DataFrame, np.ndarray]]:
        """{(fold, seed): (predictions, vectors (utterance, feature))} of the embedded rows."""
        rows = self.folder.table(EMBEDDED)
        if rows is None or not self.folder.has(EMBEDDINGS):
            return {}
        vectors = load_arrays(self.folder.directory / EMBEDDINGS)
        clean = self.predictions[self.predictions["condition"] == CLEAN]
        rows = rows.assign(fold=rows["fold"].astype(str))
        joined = rows.merge(clean, on=["id", "fold", "seed"], how="left")
        embeddings = {}
        for (fold, seed), table in joined.groupby(["fold", "seed"], sort=False):
            key = str(fold), int(str(seed))
            array = vectors[fold_key(*key)].astype(np.float32)
            embeddings[key] = (table.reset_index(drop=True), array)
        return embeddings

    @cached_property
    def attention(self) -> pd.DataFrame:
        """What sample utterances attend to (see `mmser.evaluation.byproducts.attention`)."""
        samples = self.folder.table(ATTENTION)
        return pd.DataFrame() if samples is None else samples

    @cached_property
    def corpora(self) -> list[str]:
        """Names of the run's corpora in the cache.

        A run made before they were recorded names only the corpus it was tested on.
        """
        recorded = self.environment.get("manifests")
        names = recorded or dict.fromkeys(self.predictions["corpus"])
        return [str(name) for name in names if name]

    @cached_property
    def caches(self) -> list[CacheFiles]:
        """The caches this run was trained on that are still on this machine."""
        return read_caches(self.config, self.environment.get("caches") or {}, self.corpora)

    @cached_property
    def manifest(self) -> pd.DataFrame | None:
        """The manifests beside the caches, of every corpus of the run."""
        paths = [folder / MANIFEST for folder in self._corpus_folders()]
        tables = [read_parquet(path, RESTORE) for path in paths if path.is_file()]
        return pd.concat(tables, ignore_index=True) if tables else None

    def utterance(self, corpus: str, name: str) -> Utterance | None:
        """What the run's own manifest says of an utterance, else the cache's; None of an unknown.

        Without the times of its words and the votes.
        """
        row = self._utterances.get((corpus, name))
        return None if row is None else from_table(pd.DataFrame([row]))[0]

    @cached_property
    def _utterances(self) -> dict[tuple[str, str], dict[str, Any]]:
        """{(corpus, id): the row of the manifest}."""
        own = self.folder.table(OWN_MANIFEST)
        table = self.manifest if own is None else own
        if table is None or not {"corpus", "id", "speaker"} <= set(table.columns):
            return {}
        rows: list[dict[str, Any]] = [
            {str(key): cell for key, cell in row.items()}
            for row in table.drop(columns=list(JSON_COLUMNS), errors="ignore").to_dict("records")
        ]
        return {(str(row["corpus"]), str(row["id"])): row for row in rows}

    @cached_property
    def warnings(self) -> Any:
        """The warnings of preprocessing about the corpora (warnings.json beside the caches).

        Of several corpora, {corpus: its warnings}.
        """
        warnings = {}
        for folder in self._corpus_folders():
            path = folder / WARNINGS
            warnings[folder.name] = read_saved_json(path) if path.is_file() else None
        return next(iter(warnings.values())) if len(warnings) == 1 else warnings

    @property
    def synthetic(self) -> bool:
        """The corpus is a synthetic one, by its config or by its name in the predictions."""
        corpora = map(str, self.predictions["corpus"].unique())
        texts = [*corpora, json.dumps(self.config.get("corpus"), default=str)]
        return any("synthetic" in text.lower() for text in texts)

    @property
    def random_weights(self) -> bool:
        """Some cache was made with random instead of trained extractor weights."""
        marks = [cache.info.get("random_weights") for cache in self.caches]
        return any([self.environment.get("random_weights"), *marks])

    @cached_property
    def speakers(self) -> SharedSpeakers | None:
        """How many of the tested speakers the same fold also trains on.

        None when the files do not name the speaker of every utterance.
        """
        if self.assignment is None:
            return None
        source = self.predictions if self.manifest is None else self.manifest
        return count_shared(self.assignment, source)

    @property
    def shared_speakers(self) -> int | None:
        """Their number alone."""
        return self.speakers.shared if self.speakers else None

    def _corpus_folders(self) -> list[Path]:
        return list(dict.fromkeys(cache.directory.parent for cache in self.caches))


def _is(spec: Mapping[str, Any], normalise: str) -> bool:
    return spec.get("normalise") == normalise


def _enrolled_with(spec: Mapping[str, Any]) -> str:
    """In words: "the first 10 utterances (drawn by seed 0)"."""
    seconds, seed = spec.get("enrol_seconds"), spec.get("enrol_seed", 0)
    usual = StreamSpec(extractor="any")
    count = spec.get("enrol", usual.enrol)
    first = f"{seconds:g} s" if seconds else f"{count} utterances"
    drawn = spec.get("enrol_order", usual.enrol_order) == "random"
    return (
        f"the first {first} ({f'drawn by seed {seed}' if drawn else 'in the order of the corpus'})"
    )


def read_run(directory: str | Path) -> ReportedRun:
    """Read a run's folder. Raises MmserError when it has no predictions yet."""
    folder = RunFolder(directory)
    if not folder.has(FILE_NAME):
        raise MmserError(
            "a run's folder with predictions",
            f"no {FILE_NAME} in {folder.directory}",
            f"Run: mmser evaluate run={folder.directory}",
        )
    return ReportedRun(folder, read_predictions(folder.directory))

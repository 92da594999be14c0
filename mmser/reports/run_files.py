"""Everything a report reads of a run's folder and its caches. Only the predictions
must be there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.cache.index import as_table, read_rows
from mmser.cache.info import read_info
from mmser.cache.layout import INDEX, MANIFEST, WARNINGS
from mmser.cache.recorded import recorded_stores
from mmser.cache.tensors import load_arrays
from mmser.core.errors import MmserError
from mmser.core.file_names import name_of
from mmser.core.saved import read_saved_json, read_saved_yaml
from mmser.core.tables import read_curve, read_parquet
from mmser.evaluation.scoring.score import score
from mmser.metrics.predictions import FILE_NAME, read_predictions

RESTORE = "Restore it from a copy, or delete it."
"""What to do about a damaged table of a run."""


@dataclass(frozen=True, eq=False)
class FoldFiles:
    """What training left of one fold and seed: facts (fold.json) and the learning curve
    (metrics.csv), may be empty.
    """

    name: str
    facts: dict[str, Any]
    metrics: pd.DataFrame


@dataclass(frozen=True, eq=False)
class CacheFiles:
    """One stream's cache: its info, its index, its bytes; ``stream`` names the corpus where there
    are several.
    """

    stream: str
    directory: Path
    info: dict[str, Any]
    index: pd.DataFrame
    size: int


@dataclass(frozen=True, eq=False)
class RunFiles:
    """The files of one run; what is missing is empty or None."""

    directory: Path
    name: str
    config: dict[str, Any]
    environment: dict[str, Any]
    predictions: pd.DataFrame

    @property
    def card(self) -> dict[str, Any]:
        """The published system's card in the config."""
        return self.config.get("card") or {}

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The score table, every scope."""
        return score(self.predictions).assign(run=self.name)

    @cached_property
    def assignment(self) -> pd.DataFrame | None:
        """The fold assignment."""
        return _table(self.directory / "assignment.parquet")

    @cached_property
    def folds(self) -> list[FoldFiles]:
        """Every fold's files, finished or not."""
        return [
            _fold(path)
            for path in sorted((self.directory / "folds").glob("*-seed*"))
            if path.is_dir()
        ]

    @cached_property
    def embeddings(self) -> dict[tuple[str, int], tuple[pd.DataFrame, np.ndarray]]:
        """{(fold, seed): (predictions of the kept rows, vectors (utterance, feature))}."""
        rows, path = (
            _table(self.directory / "embeddings.parquet"),
            self.directory / "embeddings.safetensors",
        )
        if rows is None or not path.is_file():
            return {}
        vectors = load_arrays(path)
        clean = self.predictions[self.predictions["condition"] == "clean"]
        joined = rows.assign(fold=rows["fold"].astype(str)).merge(
            clean, on=["id", "fold", "seed"], how="left"
        )
        groups: Any = joined.groupby(["fold", "seed"], sort=False)
        return {
            (fold, int(seed)): (
                part.reset_index(drop=True),
                vectors[f"{fold}-seed{seed}"].astype(np.float32),
            )
            for (fold, seed), part in groups
        }

    @cached_property
    def attention(self) -> pd.DataFrame | None:
        """Attention samples of mmser.evaluation.byproducts.attention."""
        return _table(self.directory / "attention.parquet")

    @cached_property
    def layers(self) -> pd.DataFrame | None:
        """How far each stage moved each layer (mmser.evaluation.byproducts.layer_change)."""
        return _table(self.directory / "layers.parquet")

    @cached_property
    def corpora(self) -> list[str]:
        """Names of the run's corpora in the cache; of a run made before they were recorded, the
        tested one's alone.
        """
        named = self.environment.get("manifests") or dict.fromkeys(self.predictions["corpus"])
        return [str(name) for name in named if name]

    @cached_property
    def caches(self) -> list[CacheFiles]:
        """The caches this run was trained on that are still on this machine, by corpus and
        fingerprint.
        """
        wanted, cache = self.environment.get("caches") or {}, self.config.get("cache")
        if not cache:
            return []
        found = []
        for stream, mark in wanted.items():
            # Two extractors of one recipe have the same fingerprint: the config knows which of them
            # was read.
            named = recorded_stores(self.config, {"caches": {stream: mark}})
            pattern = next(iter(named.values()), f"*-{mark}")
            paths = {
                corpus: sorted((Path(cache) / corpus).glob(pattern)) for corpus in self.corpora
            }
            labels = {
                c: stream if len(self.corpora) == 1 else f"{stream} ({c})" for c in self.corpora
            }
            found += [
                _cache(labels[corpus], stores[0]) for corpus, stores in paths.items() if stores
            ]
        return found

    @cached_property
    def manifest(self) -> pd.DataFrame | None:
        """The manifests beside the caches, of every corpus of the run."""
        tables = [_table(folder / MANIFEST) for folder in self._corpus_folders()]
        known = [table for table in tables if table is not None]
        return pd.concat(known, ignore_index=True) if known else None

    @cached_property
    def warnings(self) -> Any:
        """What preprocessing found odd about the corpora (warnings.json beside the caches)."""
        found = {folder.name: _json(folder / WARNINGS) for folder in self._corpus_folders()}
        return next(iter(found.values())) if len(found) == 1 else found

    @property
    def synthetic(self) -> bool:
        """The corpus is a synthetic one, by its config or by its name in the predictions."""
        named = [
            *self.predictions["corpus"].unique(),
            json.dumps(self.config.get("corpus"), default=str),
        ]
        return any("synthetic" in str(name).lower() for name in named)

    @property
    def random_weights(self) -> bool:
        """Some cache was made with random instead of trained extractor weights."""
        marks = [
            self.environment.get("random_weights"),
            *(cache.info.get("random_weights") for cache in self.caches),
        ]
        return any(bool(mark) for mark in marks)

    @cached_property
    def shared_speakers(self) -> int | None:
        """Test speakers that the same fold also trains on, counted in the assignment; None when it
        cannot be told.
        """
        if self.assignment is None:
            return None
        known = self.predictions if self.manifest is None else self.manifest
        about = known.drop_duplicates("id").set_index("id")
        rows = self.assignment.assign(speaker=self.assignment["id"].map(about["speaker"]))
        if rows["speaker"].isna().any() or (rows["speaker"] == "").any():
            return None
        # Speaker 03 of one corpus is not speaker 03 of another.
        rows["speaker"] = list(zip(rows["id"].map(about["corpus"]), rows["speaker"], strict=True))
        shared: set[tuple[str, str]] = set()
        for _, fold in rows.groupby("fold"):
            shared |= set(fold.loc[fold["part"] == "test", "speaker"]) & set(
                fold.loc[fold["part"] == "train", "speaker"]
            )
        return len(shared)

    def _corpus_folders(self) -> list[Path]:
        return list(dict.fromkeys(cache.directory.parent for cache in self.caches))


def read_run(directory: str | Path) -> RunFiles:
    """Read a run's folder. Raises MmserError when it has no predictions yet."""
    directory = Path(directory)
    if not (directory / FILE_NAME).is_file():
        raise MmserError(
            "a run's folder with predictions",
            f"no {FILE_NAME} in {directory}",
            f"Run: mmser evaluate run={directory}",
        )
    path = directory / "config.yaml"
    config = read_saved_yaml(path) if path.is_file() else {}
    environment = _json(directory / "environment.json") or {}
    return RunFiles(
        directory, directory.resolve().name, config, environment, read_predictions(directory)
    )


def _fold(path: Path) -> FoldFiles:
    curve = path / "metrics.csv"
    metrics = read_curve(curve) if curve.is_file() else pd.DataFrame()
    return FoldFiles(name_of(path.name), _json(path / "fold.json") or {}, metrics)


def _cache(stream: str, directory: Path) -> CacheFiles:
    index = (
        as_table(read_rows(directory / INDEX)) if (directory / INDEX).is_file() else pd.DataFrame()
    )
    size = sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
    return CacheFiles(stream, directory, read_info(directory), index, size)


def _table(path: Path) -> pd.DataFrame | None:
    return read_parquet(path, RESTORE) if path.is_file() else None


def _json(path: Path) -> Any:
    return read_saved_json(path) if path.is_file() else None

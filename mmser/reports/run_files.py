"""Everything a report reads of a run's folder and its caches. Only the predictions must be there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.saved import read_saved_json, read_saved_yaml
from mmser.evaluation.score import score
from mmser.metrics.predictions import FILE_NAME, read_predictions


@dataclass(frozen=True, eq=False)
class FoldFiles:
    """What training left of one fold and seed: facts (fold.json) and the learning curve (metrics.csv), may be empty."""

    name: str
    facts: dict[str, Any]
    metrics: pd.DataFrame


@dataclass(frozen=True, eq=False)
class CacheFiles:
    """One stream's cache: its info, its index and the bytes it takes."""

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
        return [_fold(path) for path in sorted((self.directory / "folds").glob("*-seed*")) if path.is_dir()]

    @cached_property
    def embeddings(self) -> dict[tuple[str, int], tuple[pd.DataFrame, np.ndarray]]:
        """{(fold, seed): (predictions of the kept rows, vectors (utterance, feature))}."""
        rows, path = _table(self.directory / "embeddings.parquet"), self.directory / "embeddings.safetensors"
        if rows is None or not path.is_file():
            return {}
        from safetensors.numpy import load_file

        vectors = load_file(path)
        clean = self.predictions[self.predictions["condition"] == "clean"]
        joined = rows.assign(fold=rows["fold"].astype(str)).merge(clean, on=["id", "fold", "seed"], how="left")
        groups: Any = joined.groupby(["fold", "seed"], sort=False)
        return {
            (fold, int(seed)): (part.reset_index(drop=True), vectors[f"{fold}-seed{seed}"].astype(np.float32))
            for (fold, seed), part in groups
        }

    @cached_property
    def attention(self) -> pd.DataFrame | None:
        """Attention samples of mmser.evaluation.attention."""
        return _table(self.directory / "attention.parquet")

    @cached_property
    def layers(self) -> pd.DataFrame | None:
        """How far each stage moved each layer (mmser.evaluation.layer_change)."""
        return _table(self.directory / "layers.parquet")

    @cached_property
    def caches(self) -> list[CacheFiles]:
        """The caches this run was trained on that are still on this machine, found by fingerprint."""
        wanted, cache = self.environment.get("caches") or {}, self.config.get("cache")
        if not cache:
            return []
        found = {stream: sorted(Path(cache).glob(f"*/*-{mark}")) for stream, mark in wanted.items()}
        return [_cache(stream, paths[0]) for stream, paths in found.items() if paths]

    @cached_property
    def manifest(self) -> pd.DataFrame | None:
        """The manifest beside the caches."""
        return _table(self.caches[0].directory.parent / "manifest.parquet") if self.caches else None

    @cached_property
    def warnings(self) -> Any:
        """What preprocessing found odd about the corpus (warnings.json beside the caches)."""
        return _json(self.caches[0].directory.parent / "warnings.json") if self.caches else None

    @property
    def synthetic(self) -> bool:
        """The corpus is a synthetic one, by its config or by its name in the predictions."""
        named = [*self.predictions["corpus"].unique(), json.dumps(self.config.get("corpus"), default=str)]
        return any("synthetic" in str(name).lower() for name in named)

    @property
    def random_weights(self) -> bool:
        """Some cache was made with random instead of trained extractor weights."""
        marks = [self.environment.get("random_weights"), *(cache.info.get("random_weights") for cache in self.caches)]
        return any(bool(mark) for mark in marks)

    @cached_property
    def shared_speakers(self) -> int | None:
        """Test speakers that the same fold also trains on, counted in the assignment; None when it cannot be told."""
        if self.assignment is None:
            return None
        known = self.predictions if self.manifest is None else self.manifest
        speaker = known.drop_duplicates("id").set_index("id")["speaker"]
        rows = self.assignment.assign(speaker=self.assignment["id"].map(speaker))
        if rows["speaker"].isna().any() or (rows["speaker"] == "").any():
            return None
        shared: set[str] = set()
        for _, fold in rows.groupby("fold"):
            shared |= set(fold.loc[fold["part"] == "test", "speaker"]) & set(
                fold.loc[fold["part"] == "train", "speaker"]
            )
        return len(shared)


def read_run(directory: str | Path) -> RunFiles:
    """Read a run's folder. Raises MmserError when it has no predictions yet."""
    directory = Path(directory)
    if not (directory / FILE_NAME).is_file():
        raise MmserError(
            "a run's folder with predictions", f"no {FILE_NAME} in {directory}", f"Run: mmser evaluate run={directory}"
        )
    path = directory / "config.yaml"
    config = read_saved_yaml(path) if path.is_file() else {}
    environment = _json(directory / "environment.json") or {}
    return RunFiles(directory, directory.resolve().name, config, environment, read_predictions(directory))


def _fold(path: Path) -> FoldFiles:
    curve = path / "metrics.csv"
    metrics = pd.read_csv(curve) if curve.is_file() and curve.stat().st_size else pd.DataFrame()
    return FoldFiles(path.name, _json(path / "fold.json") or {}, metrics)


def _cache(stream: str, directory: Path) -> CacheFiles:
    index = _table(directory / "index.parquet")
    size = sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
    info = _json(directory / "info.json") or {}
    return CacheFiles(stream, directory, info, pd.DataFrame() if index is None else index, size)


def _table(path: Path) -> pd.DataFrame | None:
    return pd.read_parquet(path) if path.is_file() else None


def _json(path: Path) -> Any:
    return read_saved_json(path) if path.is_file() else None

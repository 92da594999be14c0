"""A run folder, opened for reading: its config, its trained models, its data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from mmser.cache.recorded import recorded_stores
from mmser.core.errors import MmserError
from mmser.core.tables import read_curve
from mmser.core.task import Task
from mmser.data.fold import FoldData
from mmser.data.transforms import Transforms
from mmser.models.multimodal import MultimodalModel
from mmser.training.components.construction import saved_model, saved_objective
from mmser.training.components.portable import unpretrained
from mmser.training.devices import AUTO, CPU, find_place
from mmser.training.folder import (
    DONE,
    ENVIRONMENT,
    FOLD,
    TRANSFORMS,
    fold_folder,
    fold_of,
    read_assignment,
    read_json,
    read_settings,
)
from mmser.training.inputs.sources import manifest_differences, open_fold, read_corpus_manifest
from mmser.training.loop.callbacks import OBJECTIVE, WEIGHTS
from mmser.training.own_manifest import own_manifest
from mmser.training.stages import list_stages

_log = logging.getLogger(__name__)


class Run:
    """``config`` is the resolved config as a plain dictionary; ``directory`` the folder everything
    lies in.

    ``named_files`` are the files of its extractors that now lie elsewhere: {extractor: {argument:
    path}}.
    """

    def __init__(
        self, directory: str | Path, named_files: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """Raises MmserError when the folder was not made by training."""
        self.directory = Path(directory)
        self.named_files = named_files or {}
        self.config: dict[str, Any] = read_settings(self.directory)

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r})"

    @property
    def folds(self) -> list[tuple[str, int]]:
        """(fold, seed) of every finished fold, by seed, folds in the protocol's order."""
        order = {
            str(fold): place for place, fold in enumerate(dict.fromkeys(self.assignment["fold"]))
        }
        done = [fold_of(path.parent, order) for path in self.directory.glob(f"folds/*/{DONE}")]
        found = [item for item in done if item is not None]
        return sorted(found, key=lambda item: (item[1], order.get(item[0], len(order)), item[0]))

    @cached_property
    def assignment(self) -> pd.DataFrame:
        """id, fold, part, label as the run was trained."""
        return read_assignment(self.directory)

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """The manifest that the run was made with, its media where they lie now; says so when the
        cache's is another.

        A run of an earlier version has no copy of its own: the cache's, whatever it says now.
        """
        manifest = read_corpus_manifest(self.config)
        if (self.directory / ENVIRONMENT).is_file():
            for line in manifest_differences(self.config, manifest, self.environment):
                _log.warning("%s: %s", self.directory, line)
        return own_manifest(self.directory, manifest)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Package versions, revision, device, caches, random-weights mark."""
        return read_json(self.directory / ENVIRONMENT)

    @property
    def recorded(self) -> dict[str, str]:
        """The stores the run was made from: {extractor as the config names it: the folder's full
        name}.
        """
        known = self.environment if (self.directory / ENVIRONMENT).is_file() else {}
        return recorded_stores(self.config, known)

    def folder(self, fold: str, seed: int) -> Path:
        """Where a finished fold lies. Raises MmserError when it is not finished."""
        folder = fold_folder(self.directory, fold, seed)
        if not (folder / DONE).is_file():
            known = ", ".join(f"{name} seed {number}" for name, number in self.folds) or "none"
            raise MmserError(
                f"a finished fold {fold} seed {seed}", known, "Train it with the run's command."
            )
        return folder

    def describe(self, fold: str, seed: int) -> dict[str, Any]:
        """``fold.json``: classes, values, input sizes, best epoch and score,
        parameter count, ...
        """
        return read_json(self.folder(fold, seed) / FOLD)

    def task(self, fold: str, seed: int) -> Task:
        """Classes, values and training-fold facts the model was built with."""
        task = self.describe(fold, seed)["task"]
        return Task(**{name: tuple(items) for name, items in task.items()})

    def metrics(self, fold: str, seed: int) -> pd.DataFrame:
        """The learning curve: one row per check of the validation part."""
        return read_curve(self.folder(fold, seed) / "metrics.csv")

    @cached_property
    def device(self) -> torch.device:
        """Where its models are evaluated: on the accelerator its config asks for, or on the CPU
        (said in one line).
        """
        asked = str(self.config["trainer"]["accelerator"])
        place = find_place(asked)
        if place.accelerator == CPU and asked not in (AUTO, CPU):
            _log.info("evaluating on %s", place.line)
        return place.device

    def load_model(
        self, fold: str, seed: int, device: str | torch.device | None = None
    ) -> MultimodalModel:
        """The model with its best weights, in evaluation mode; on ``self.device`` where none is
        named.
        """
        described, parts = self.describe(fold, seed), self._settings()["model"]
        if "network_sizes" in described:  # earlier runs need the weights that they started from
            parts = unpretrained(parts, described["network_sizes"])
        path = self.folder(fold, seed) / WEIGHTS
        model = saved_model({"model": parts}, described["input_sizes"], self.task(fold, seed), path)
        return model.to(device or self.device).eval()

    def load_objective(
        self, fold: str, seed: int, vector_size: int, device: str | torch.device | None = None
    ) -> nn.Module:
        """The objective with what it learned beside the model (auxiliary layers), in evaluation
        mode, beside it.
        """
        path = self.folder(fold, seed) / OBJECTIVE
        objective = saved_objective(self._settings(), vector_size, self.task(fold, seed), path)
        return objective.to(device or self.device).eval()

    def transforms(self, fold: str, seed: int) -> Transforms:
        """Scalers and vocabularies as fitted on the training part."""
        return Transforms.load(self.folder(fold, seed) / TRANSFORMS)

    def fold_data(self, fold: str, seed: int, **options: Any) -> FoldData:
        """The fold's data with the transforms and the task it was trained with.

        ``options`` overrides arguments of FoldData (``test_stores`` for another condition,
        ``workers``, ...).
        """
        saved = {
            "transforms": self.transforms(fold, seed),
            "task": self.task(fold, seed),
            "recorded": self.recorded,
        }
        return open_fold(
            self._settings(), self.manifest, self.assignment, fold, seed, **{**saved, **options}
        )

    def _settings(self) -> dict[str, Any]:
        """The last stage's: its model is the fold's."""
        return list_stages(self.config)[-1].settings

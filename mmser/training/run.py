"""A run with its trained models and its data.

::

    for trained in Run("runs/mine").finished():
        model, data = trained.model(), trained.data()
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from mmser.cache.feature_store import FeatureStore
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.data.fold_data import FoldData
from mmser.data.fold_opening import Fitted
from mmser.data.transforms import Transforms
from mmser.models.multimodal import MultimodalModel
from mmser.runs.own_manifest import own_manifest
from mmser.runs.run_folder import FoldFolder, RunFolder
from mmser.runs.run_paths import ENVIRONMENT, OBJECTIVE, TRANSFORMS, WEIGHTS
from mmser.training.components.construction import saved_model, saved_objective
from mmser.training.components.portable import unpretrained
from mmser.training.devices import AUTO, CPU, find_place
from mmser.training.inputs.corpora import RunCorpora, build_corpora
from mmser.training.inputs.sources import manifest_differences, open_fold, read_corpus_manifest

_log = logging.getLogger(__name__)


class Run(RunFolder):
    """A run folder with its trained folds."""

    def __init__(
        self,
        directory: str | Path,
        named_files: Mapping[str, Mapping[str, str]] | None = None,
        tells_changes: bool = True,
    ) -> None:
        """``tells_changes``: whether it says that a corpus says other things by now.

        Raises MmserError when the folder was not made by training.
        """
        super().__init__(directory, named_files)
        self._tells_changes = tells_changes
        _ = self.config

    def finished(self) -> list[TrainedFold]:
        """Every finished fold, by seed, folds in the protocol's order.

        Raises MmserError when there is none.
        """
        trained = [TrainedFold(self, one) for one in self.fold_folders() if one.is_finished]
        if not trained:
            raise MmserError(
                "at least one finished fold",
                f"none in {self.directory}",
                "Run `mmser train` again; it goes on.",
            )
        return trained

    def fold(self, fold: str, seed: int) -> TrainedFold:
        """One finished fold. Raises MmserError when it is not finished."""
        folders = [one for one in self.fold_folders() if one.is_finished]
        for one in folders:
            if (one.fold, one.seed) == (fold, seed):
                return TrainedFold(self, one)
        names = ", ".join(f"{one.fold} seed {one.seed}" for one in folders) or "none"
        raise MmserError(
            f"a finished fold {fold} seed {seed}", names, "Train it with the run's command."
        )

    @cached_property
    def corpora(self) -> RunCorpora:
        """The corpora it reads, with their protocols."""
        return build_corpora(self.settings)

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """The manifest that the run was made with, its media where they lie now.

        Says so when the cache's is another. A run of an earlier version has no copy of its own:
        the cache's, whatever it says now.
        """
        names = self.corpora.names
        manifest = read_corpus_manifest(self.settings.cache, names)
        if self._tells_changes and self.has(ENVIRONMENT):
            for line in manifest_differences(names, manifest, self.environment):
                _log.warning("%s: %s", self.directory, line)
        return own_manifest(self.directory, manifest)

    @cached_property
    def device(self) -> torch.device:
        """Where its models are evaluated.

        On the accelerator its config asks for, or on the CPU (said in one line).
        """
        accelerator = self.settings.trainer.accelerator
        place = find_place(accelerator)
        if place.accelerator == CPU and accelerator not in (AUTO, CPU):
            _log.info("evaluating on %s", place.line)
        return place.device


class TrainedFold:
    """One finished fold of a run: its model, its data, its task; read anew at each call."""

    def __init__(self, run: Run, files: FoldFolder) -> None:
        self.run, self.files = run, files
        self.fold, self.seed = files.fold, files.seed

    @property
    def directory(self) -> Path:
        """Where it lies."""
        return self.files.directory

    @property
    def facts(self) -> dict[str, Any]:
        """``fold.json`` (see `FoldFolder.facts`)."""
        return self.files.facts

    @property
    def task(self) -> Task:
        """Classes, values and training-fold facts the model was built with."""
        return self.files.task

    @property
    def curve(self) -> pd.DataFrame:
        """The learning curve: one row per check of the validation split."""
        return self.files.curve

    def model(self, device: str | torch.device | None = None) -> MultimodalModel:
        """The model with its best weights, in evaluation mode, on the run's device unless named."""
        components = self.run.settings.model
        if "network_sizes" in self.facts:  # earlier runs need the weights that they started from
            components = unpretrained(components, self.facts["network_sizes"])
        weights = self.directory / WEIGHTS
        sizes = self.facts["input_sizes"]
        model = saved_model(components, sizes, self.task, weights)
        return model.to(device or self.run.device).eval()

    def objective(self, vector_size: int, device: str | torch.device | None = None) -> nn.Module:
        """The objective with what it learned beside the model, in evaluation mode.

        On the run's device unless one is named.
        """
        weights = self.directory / OBJECTIVE
        objective = saved_objective(self.run.settings.objective, vector_size, self.task, weights)
        return objective.to(device or self.run.device).eval()

    def transforms(self) -> Transforms:
        """Scalers and vocabularies as fitted on the training split."""
        return Transforms.load(self.directory / TRANSFORMS)

    def data(
        self,
        assignment: pd.DataFrame | None = None,
        test_stores: Mapping[str, FeatureStore] | None = None,
    ) -> FoldData:
        """The fold's data with the transforms and the task it was trained with.

        ``assignment`` replaces the run's; ``test_stores`` replaces stores for the test split alone:
        another condition.
        """
        run = self.run
        return open_fold(
            run.settings,
            run.corpora,
            run.manifest,
            run.assignment if assignment is None else assignment,
            self.fold,
            self.seed,
            run.recorded,
            Fitted(self.task, self.transforms()),
            test_stores,
        )

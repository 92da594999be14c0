"""A run's folder, opened for reading: what it was made from and what lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.recorded import recorded_stores
from mmser.core.tables import read_curve, read_parquet
from mmser.core.task import Task
from mmser.runs.run_paths import ASSIGNMENT, CURVE, DONE, ENVIRONMENT, FOLD, FOLDS, fold_of
from mmser.runs.run_tables import read_assignment, read_json, read_settings
from mmser.runs.training_stages import list_stages
from mmser.settings.run import RunSettings

if TYPE_CHECKING:
    import pandas as pd

RESTORE = "Restore it from a copy, or delete it."
"""What to do about a damaged table of a run."""


@dataclass(frozen=True)
class FoldFolder:
    """One fold of one seed, finished or not; ``name`` is the folder's, ``fold`` the protocol's."""

    directory: Path
    fold: str
    seed: int

    @property
    def name(self) -> str:
        return self.directory.name

    def has(self, file: str) -> bool:
        """Whether one of the files of `run_paths` is there."""
        return (self.directory / file).is_file()

    @property
    def is_finished(self) -> bool:
        """Whether its model is trained."""
        return self.has(DONE)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """``fold.json``: classes, values, input sizes, best epoch and score, parameter count, ...

        Raises MmserError when it is missing or damaged.
        """
        return read_json(self.directory / FOLD)

    @cached_property
    def task(self) -> Task:
        """Classes, values and training-fold facts the model was built with."""
        return Task(**{name: tuple(items) for name, items in self.facts["task"].items()})

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The learning curve: one row per check of the validation split."""
        return read_curve(self.directory / CURVE)


class RunFolder:
    """Reads the files of a run when they are asked for.

    ``config`` is the resolved config as a plain dictionary; ``directory`` the folder everything
    lies in. ``named_files`` are the files of its extractors that now lie elsewhere: {extractor:
    {argument: path}}.
    """

    def __init__(
        self, directory: str | Path, named_files: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.directory = Path(directory)
        self.named_files = named_files or {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.directory)!r})"

    def __fspath__(self) -> str:
        """Its folder: a run stands wherever a path may."""
        return str(self.directory)

    @property
    def name(self) -> str:
        """The folder's name, also where it was opened as ``.``."""
        return self.directory.resolve().name

    def has(self, file: str) -> bool:
        """Whether one of the files of `run_paths` is there."""
        return (self.directory / file).is_file()

    @cached_property
    def config(self) -> dict[str, Any]:
        """Raises MmserError when the folder was not made by training."""
        return read_settings(self.directory)

    @cached_property
    def settings(self) -> RunSettings:
        """The settings of the last stage: its model is the fold's."""
        return list_stages(self.config)[-1].settings

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Package versions, revision, device, caches, random-weights mark."""
        return read_json(self.directory / ENVIRONMENT)

    @property
    def recorded(self) -> dict[str, str]:
        """The stores the run was made from.

        {extractor as the config names it: the folder's full name}
        """
        environment = self.environment if self.has(ENVIRONMENT) else {}
        return recorded_stores(self.config, environment)

    @cached_property
    def assignment(self) -> pd.DataFrame:
        """id, fold, part, label as the run was trained."""
        return read_assignment(self.directory)

    def table(self, file: str) -> pd.DataFrame | None:
        """A table that evaluation wrote, None where it wrote none. MmserError when damaged."""
        return read_parquet(self.directory / file, RESTORE) if self.has(file) else None

    def fold_folders(self) -> list[FoldFolder]:
        """Every fold and seed that was begun, by seed, folds in the protocol's order."""
        assigned = list(self.assignment["fold"]) if self.has(ASSIGNMENT) else []
        names = list(dict.fromkeys(map(str, assigned)))
        places = {fold: place for place, fold in enumerate(names)}
        folders = []
        for path in self.directory.glob(f"{FOLDS}/*"):
            fold_seed = fold_of(path, names)
            if fold_seed is not None and path.is_dir():
                folders.append(FoldFolder(path, *fold_seed))

        def order(folder: FoldFolder) -> tuple[int, int, str]:
            return folder.seed, places.get(folder.fold, len(places)), folder.fold

        return sorted(folders, key=order)

    @property
    def folds(self) -> list[tuple[str, int]]:
        """(fold, seed) of every finished fold, by seed, folds in the protocol's order."""
        return [(one.fold, one.seed) for one in self.fold_folders() if one.is_finished]

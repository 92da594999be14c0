"""The scores of each check also go to a tool that draws them: ``trainer.logger``.

One of the tool's runs for each fold and seed, grouped by the run. Nothing leaves the machine unless
the tool's own variables say so (WANDB_MODE, MLFLOW_TRACKING_URI, TRACKIO_SPACE_ID).
"""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmser.cache.lock import locked
from mmser.core.errors import MmserError
from mmser.runs.run_paths import FOLDS
from mmser.settings.trainer import Trainer as Options
from mmser.training.loop.callbacks import MetricsTable
from mmser.training.loop.learner import Learner
from mmser.training.loop.watcher import Trainer, Watcher

MLFLOW = os.environ.get("MLFLOW_TRACKING_URI")
"""As it was at first: MLflow sets it to what it last wrote into."""


def logger_of(options: Options) -> str | None:
    """The tool that the options name; ``log_tensorboard`` is an older word for one."""
    return options.logger or ("tensorboard" if options.log_tensorboard else None)


def check_logger(options: Options) -> None:
    """Raise MmserError where the tool's library is not installed."""
    name = logger_of(options)
    if name is not None and name != "csv" and find_spec(name) is None:
        raise MmserError(
            f"the library {name} for trainer.logger={name}",
            "none",
            f"pip install 'mmser[{name}]', or trainer.logger=csv.",
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where the scores of a fold's or stage's ``folder`` go; ``title`` is the fold and seed."""

    tool: str
    folder: Path
    title: str

    @property
    def run(self) -> Path:
        """The folder of the run."""
        above = list(self.folder.absolute().parents)
        return next((each.parent for each in above if each.name == FOLDS), self.folder.absolute())

    @property
    def fold(self) -> str:
        """``fold 3`` of ``fold 3 seed 0``."""
        return self.title.partition(" seed ")[0]


class LoggedScores(Watcher):
    """Hands each row of ``metrics.csv`` to the tool, those of an interrupted training first.

    ``curve`` is told of a check before this one.
    """

    def __init__(self, place: Place, curve: MetricsTable) -> None:
        self.place, self.curve = place, curve
        self._log: _Log | None = None

    def on_train_start(self, trainer: Trainer, learner: Learner) -> None:
        if trainer.is_global_zero:
            self._log = _Log(self.place, resumes=bool(self.curve.rows))
            for row in self.curve.rows:
                self._log.add(row)

    def on_validation_end(self, trainer: Trainer, learner: Learner) -> None:
        if self._log is not None:
            self._log.add(self.curve.rows[-1])

    def on_train_end(self, trainer: Trainer, learner: Learner) -> None:
        if self._log is not None:
            self._log.close()


def log_at_once(options: Options, folder: Path, title: str, scores: Mapping[str, float]) -> None:
    """Hand the tool the scores of a fold that takes no epochs."""
    tool = logger_of(options)
    if tool is not None:
        log = _Log(Place(tool, folder, title), resumes=False)
        log.add({"epoch": 0.0, "step": 0.0, **scores})
        log.close()


class _Log:
    """The tool's run of one fold.

    What an interrupted training logged is kept and gone on with, or made again from its first row:
    no row is lost and none is there twice.
    """

    def __init__(self, place: Place, resumes: bool) -> None:
        self._tool = place.tool
        self._logger, self._last = _made(place, resumes)

    def add(self, row: Mapping[str, float]) -> None:
        """Log a row, unless the tool has it."""
        step = int(row["step"])
        if self._last is None or step > self._last:
            shown = {name: float(row[name]) for name in row if name not in ("step", "seconds")}
            self._logger.log_metrics(shown, step)

    def close(self) -> None:
        """Write what waits."""
        self._logger.finalize("success")
        if self._tool == "wandb":
            # The next fold is another of its runs, in the same process.
            self._logger.experiment.finish()


def _made(place: Place, resumes: bool) -> tuple[Any, int | None]:
    """The logger, and the last step that it knows of already."""
    if place.tool == "trackio":
        return _trackio(place, resumes)
    # Here, because it loads Lightning.
    from lightning.pytorch import loggers

    if place.tool == "mlflow":
        return _mlflow(place, resumes)
    folder = place.folder
    offline = os.environ.get("WANDB_MODE", "offline") == "offline"
    if place.tool != "wandb" or offline:
        # An interrupted training's: its rows are logged again.
        shutil.rmtree(folder / place.tool, ignore_errors=True)
    if place.tool == "tensorboard":
        return loggers.TensorBoardLogger(folder, "tensorboard", ""), None
    if place.tool == "csv":
        return loggers.CSVLogger(folder, "csv", "", flush_logs_every_n_steps=1), None
    group, tags = place.run.name, place.title.split(" seed ")
    logger = loggers.WandbLogger(
        place.title, folder, offline=offline, project="mmser", group=group, tags=tags
    )
    return logger, None


def _mlflow(place: Place, resumes: bool) -> tuple[Any, int | None]:
    """An experiment for the run; where no server is named, one file for all its folds."""
    from lightning.pytorch.loggers import MLFlowLogger
    from mlflow.tracking import MlflowClient

    address = MLFLOW or f"sqlite:///{place.run}/mlflow.db"
    tags = {"group": place.run.name, "fold": place.fold, "title": place.title}
    # Several processes would make the tables and the experiment at once.
    with locked(place.run / "mlflow.lock"):
        client = MlflowClient(address)
        known = client.get_experiment_by_name(place.run.name)
        earlier = [] if known is None else client.search_runs([known.experiment_id])
        same = [each for each in earlier if each.data.tags.get("title") == place.title]
        number = same[0].info.run_id if same and resumes else None
        logger = MLFlowLogger(place.run.name, place.title, address, tags, run_id=number)
        _ = logger.experiment
    if number is None:
        return logger, None
    rows = client.get_metric_history(number, "epoch")
    return logger, max((row.step for row in rows), default=None)


class _Trackio:
    """Trackio by the two calls of a Lightning logger; what it prints is kept from the screen."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def log_metrics(self, row: Mapping[str, float], step: int) -> None:
        self._run.log(dict(row), step)

    def finalize(self, status: str) -> None:
        import trackio

        with redirect_stdout(io.StringIO()):
            trackio.finish()


def _trackio(place: Place, resumes: bool) -> tuple[_Trackio, int | None]:
    """A project for the run, where Trackio keeps its own (TRACKIO_DIR)."""
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    project = re.sub(r"[^\w-]", "_", place.run.name, flags=re.ASCII)
    with redirect_stdout(io.StringIO()):
        run = trackio.init(
            project,
            place.title,
            group=place.fold,
            resume="allow" if resumes else "never",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
    # Asked now: what an interrupted training of this process left was written before.
    last = SQLiteStorage.get_max_step_for_run(project, place.title) if resumes else None
    return _Trackio(run), last

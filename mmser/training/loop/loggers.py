"""The scores of each check also go to a tool that draws them: ``trainer.logger``.

One of the tool's runs for each fold and seed, grouped by the run. Nothing leaves the machine unless
the tool's own variables say so (WANDB_MODE, MLFLOW_TRACKING_URI).
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError
from mmser.settings.trainer import Trainer as Options
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


class LoggedScores(Watcher):
    """Hands each row of ``metrics.csv`` to the logger ``name``; ``title`` is the fold and seed."""

    def __init__(self, name: str, folder: Path, group: str, title: str) -> None:
        self.name, self.folder, self.group, self.title = name, folder, group, title
        self._logger: Any = None

    def on_train_start(self, trainer: Trainer, learner: Learner) -> None:
        if trainer.is_global_zero:
            self._logger = _made(self.name, self.folder, self.group, self.title)

    def on_validation_end(self, trainer: Trainer, learner: Learner) -> None:
        if self._logger is not None:
            row = {"epoch": float(trainer.current_epoch + 1), **learner.scores}
            row["lr"] = float(trainer.optimizers[0].param_groups[-1]["lr"])
            self._logger.log_metrics(row, trainer.global_step)

    def on_train_end(self, trainer: Trainer, learner: Learner) -> None:
        if self._logger is None:
            return
        self._logger.finalize("success")
        if self.name == "wandb":
            # The next fold is another of its runs, in the same process.
            self._logger.experiment.finish()


def _made(name: str, folder: Path, group: str, title: str) -> Any:
    # Here, because it loads Lightning.
    from lightning.pytorch import loggers

    if name == "tensorboard":
        return loggers.TensorBoardLogger(folder, "tensorboard", "")
    if name == "csv":
        return loggers.CSVLogger(folder, "csv", "", flush_logs_every_n_steps=1)
    if name == "mlflow":
        place = MLFLOW or f"sqlite:///{folder.absolute()}/mlflow.db"
        tags = {"group": group, "fold": title}
        return loggers.MLFlowLogger(group, title, tracking_uri=place, tags=tags)
    offline = os.environ.get("WANDB_MODE", "offline") == "offline"
    return loggers.WandbLogger(
        title, folder, offline=offline, project="mmser", group=group, tags=title.split(" seed ")
    )

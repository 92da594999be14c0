"""The Lightning trainer of one fold, from the ``trainer`` part of a config."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningDataModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader
from tqdm import tqdm

from mmser.core.batch import Batch
from mmser.data.fold_data import FoldData
from mmser.metrics.table import better
from mmser.runs.run_paths import CURVE
from mmser.settings.trainer import Trainer as TrainerOptions
from mmser.training.devices import Place, device_options
from mmser.training.loop.averaging import WeightAverage
from mmser.training.loop.callbacks import BestWeights, MetricsTable, ProgressLines, ResumeState
from mmser.training.loop.learner import Learner
from mmser.training.loop.norms import PreciseNorms


class Loaders(LightningDataModule):
    """The training and validation splits of a fold. The test split cannot be reached from here."""

    def __init__(self, data: FoldData, learner: Learner) -> None:
        super().__init__()
        self.data, self.learner = data, learner

    def train_dataloader(self) -> DataLoader[Batch]:
        """The training split, shuffled as for the epoch to come."""
        loader = self.data.loader("train", shuffle=True)
        # Workers begin to read before Lightning tells a resumed run's epoch.
        loader.batch_sampler.set_epoch(self.learner.finished_epochs)  # type: ignore[union-attr]
        return loader

    def val_dataloader(self) -> DataLoader[Batch]:
        return self.data.loader("validation", shuffle=False)


def make_trainer(
    options: TrainerOptions, folder: Path, title: str, best: BestWeights, place: Place
) -> Trainer:
    """A Lightning trainer with ``options`` as in configs/trainer, which writes into ``folder``."""
    logger = TensorBoardLogger(folder, "tensorboard", "") if options.log_tensorboard else False
    return Trainer(
        **device_options(options, place),
        strategy=options.strategy,
        precision=options.precision,
        max_epochs=options.epochs,
        min_epochs=options.min_epochs,
        max_steps=options.max_steps,
        accumulate_grad_batches=options.accumulate,
        limit_train_batches=options.limit_train_batches,
        limit_val_batches=options.limit_validation_batches,
        callbacks=_callbacks(options, folder, title, best),
        logger=logger,
        default_root_dir=folder,
        enable_model_summary=False,
        enable_checkpointing=True,
        enable_progress_bar=sys.stderr.isatty(),
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        **_check_interval(float(options.check_every)),
    )


def _callbacks(
    options: TrainerOptions, folder: Path, title: str, best: BestWeights
) -> list[Callback]:
    monitor = options.monitor
    terminal = sys.stderr.isatty()
    lines = ProgressLines(title, monitor, best, _write_above_bar if terminal else sys.stderr.write)
    callbacks: list[Callback] = [best, MetricsTable(folder / CURVE), lines]
    callbacks.append(ResumeState(folder, options.save_every))
    if options.precise_norms:
        callbacks.append(PreciseNorms(options.precise_norms))
    if options.average is not None:
        # First, so that every other callback finds the averaged weights in a check.
        callbacks.insert(0, WeightAverage(options.average))
    if options.patience is not None:
        callbacks.append(
            EarlyStopping(f"validation_{monitor}", mode=better(monitor), patience=options.patience)
        )
    if terminal:
        callbacks.append(TQDMProgressBar(leave=False))
    return callbacks


def _write_above_bar(line: str) -> None:
    tqdm.write(line, file=sys.stderr, end="")


def _check_interval(every: float) -> dict[str, Any]:
    """Lightning has one option for parts of an epoch and another for whole epochs."""
    if every > 1.0:
        return {"check_val_every_n_epoch": round(every)}
    return {"val_check_interval": every}


@contextmanager
def quiet() -> Iterator[None]:
    """Within, Lightning prints neither advice nor warnings between the progress lines."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        warnings.filterwarnings("ignore", module=r"torch\.utils\.data.*")
        # Of torch, about how transformers call it for WavLM.
        warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)

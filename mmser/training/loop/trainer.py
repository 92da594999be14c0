"""The Lightning trainer of one fold, for what takes more than one device or process.

`mmser.training.loop.plain` does the rest without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mmser.core.batch import Batch
from mmser.data.fold_data import FoldData
from mmser.runs.run_paths import TRANSFORMS
from mmser.settings.trainer import Trainer as TrainerOptions
from mmser.training.devices import Place, device_options, is_distributed
from mmser.training.loop.learner import Learner
from mmser.training.loop.processes import share_buffers
from mmser.training.loop.quiet import quiet
from mmser.training.loop.sharding import put_together, take_apart
from mmser.training.loop.strategies import make_strategy
from mmser.training.loop.watcher import Watcher


class LightningLearner(LightningModule):
    """The learner's parts and moments under the names that Lightning calls them by."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.model, self.objective = learner.model, learner.objective
        # In a tuple: as a module of its own it would own every weight twice.
        self._learners = (learner,)

    @property
    def learner(self) -> Learner:
        return self._learners[0]

    def configure_optimizers(self) -> Optimizer:
        steps = int(self.trainer.estimated_stepping_batches)
        return self.learner.configure_optimizer(self.trainer.max_epochs or 1, steps)

    def on_train_start(self) -> None:
        self.learner.on_train_start()

    def on_train_epoch_start(self) -> None:
        self.learner.on_train_epoch_start()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        self.learner.global_step, self.learner.rank = self.global_step, self.global_rank
        self.learner.on_train_batch_start(batch_idx)

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        return batch.to(device, non_blocking=True)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return self.learner.training_step(batch, batch_idx)

    def configure_gradient_clipping(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
        self.learner.clip()

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.learner.after_optimizer_step()

    def on_train_epoch_end(self) -> None:
        self.learner.on_train_epoch_end()

    def on_validation_start(self) -> None:
        # Each process has seen batches of its own; the first one's network is the one that is kept.
        share_buffers(self)
        put_together(self.model)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.learner.validation_step(batch, batch_idx)

    def on_validation_epoch_end(self) -> None:
        take_apart(self.model)
        self.learner.global_step = self.global_step
        self.learner.on_validation_epoch_end()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint |= self.learner.extra_state_to_resume()
        checkpoint["should_stop"] = self.trainer.should_stop

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        # Lightning forgets that early stopping had already said stop.
        self.trainer.should_stop = checkpoint["should_stop"]
        self.learner.resume_from(checkpoint)


class Watching(Callback):
    """A watcher as Lightning calls it."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    @property
    def state_key(self) -> str:
        return self.watcher.state_key

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.watcher.on_fit_start(trainer, _learner(pl_module))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.watcher.on_train_start(trainer, _learner(pl_module))

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.watcher.on_train_batch_start(trainer, _learner(pl_module))

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.watcher.on_train_batch_end(trainer, _learner(pl_module))

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.watcher.on_validation_start(trainer, _learner(pl_module))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.watcher.on_validation_end(trainer, _learner(pl_module))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.watcher.on_train_epoch_end(trainer, _learner(pl_module))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.watcher.on_train_end(trainer, _learner(pl_module))

    def state_dict(self) -> dict[str, Any]:
        return self.watcher.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.watcher.load_state_dict(state_dict)


class WatchingLast(Watching, Checkpoint):
    """One that Lightning calls after its module: it takes these for what writes states."""


def _learner(module: LightningModule) -> Learner:
    learner: Learner = module.learner  # type: ignore[assignment]
    return learner


class Loaders(LightningDataModule):
    """The training and validation splits of a fold. The test split cannot be reached from here."""

    def __init__(
        self, data: FoldData, learner: Learner, device: torch.device | None = None
    ) -> None:
        super().__init__()
        self.data, self.learner, self.device = data, learner, device

    def train_dataloader(self) -> DataLoader[Batch]:
        """The training split, shuffled as for the epoch to come."""
        loader = self.data.loader("train", True, self.device)
        # Workers begin to read before Lightning tells a resumed run's epoch.
        loader.batch_sampler.set_epoch(self.learner.finished_epochs)  # type: ignore[union-attr]
        return loader

    def val_dataloader(self) -> DataLoader[Batch]:
        return self.data.loader("validation", False, self.device)


def fit_with_lightning(
    options: TrainerOptions,
    learner: Learner,
    data: FoldData,
    folder: Path,
    watchers: Sequence[Watcher],
    place: Place,
    state: Path | None,
) -> bool:
    """Train ``learner``, from a ``state`` to resume from; -> whether this is the first process."""
    with quiet():
        trainer = make_trainer(options, folder, watchers, place)
        first: bool = trainer.is_global_zero
        if first:
            data.transforms.save(folder / TRANSFORMS)
        loaders = Loaders(data, learner, place.device)
        path = None if state is None else str(state)
        trainer.fit(
            LightningLearner(learner), datamodule=loaders, ckpt_path=path, weights_only=True
        )
    return first


def make_trainer(
    options: TrainerOptions, folder: Path, watchers: Sequence[Watcher], place: Place
) -> Trainer:
    """A Lightning trainer with ``options`` as in configs/trainer, which writes into ``folder``."""
    return Trainer(
        **device_options(options, place),
        num_nodes=options.num_nodes,
        strategy=make_strategy(options, _has_several(options, place)),
        precision=options.precision,
        max_epochs=options.epochs,
        min_epochs=options.min_epochs,
        max_steps=options.max_steps,
        accumulate_grad_batches=options.accumulate,
        limit_train_batches=options.limit_train_batches,
        limit_val_batches=options.limit_validation_batches,
        callbacks=_callbacks(watchers),
        logger=False,
        default_root_dir=folder,
        enable_model_summary=False,
        enable_checkpointing=True,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        **_check_interval(float(options.check_every)),
    )


def _has_several(options: TrainerOptions, place: Place) -> bool:
    return options.num_nodes > 1 or is_distributed(options.devices, place)


def _callbacks(watchers: Sequence[Watcher]) -> list[Callback]:
    return [
        (WatchingLast if watcher.sees_finished_epoch else Watching)(watcher) for watcher in watchers
    ]


def _check_interval(every: float) -> dict[str, Any]:
    """Lightning has one option for parts of an epoch and another for whole epochs."""
    if every > 1.0:
        return {"check_val_every_n_epoch": round(every)}
    return {"val_check_interval": every}

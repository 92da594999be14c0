"""Who looks on while a fold is trained: best weights, resuming, the table, stopping."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Protocol

from torch.optim import Optimizer

from mmser.training.loop.learner import Learner


class Trainer(Protocol):
    """What a watcher is told of a training: the names are those of Lightning's trainer.

    ``current_epoch`` counts from 0, ``global_step`` the optimizer's steps; a watcher that sets
    ``should_stop`` ends the training at the next chance.
    """

    should_stop: bool

    @property
    def current_epoch(self) -> int: ...

    @property
    def global_step(self) -> int: ...

    @property
    def max_epochs(self) -> int | None: ...

    @property
    def num_training_batches(self) -> float: ...

    @property
    def is_global_zero(self) -> bool: ...

    @property
    def world_size(self) -> int: ...

    @property
    def optimizers(self) -> list[Optimizer]: ...

    def save_checkpoint(self, filepath: Path) -> None: ...


class Watcher:
    """Does nothing at any of these moments; a watcher has those that it needs."""

    sees_finished_epoch: ClassVar[bool] = False
    """Whether its ``on_train_epoch_end`` comes after the learner's own."""

    @property
    def state_key(self) -> str:
        """The name of its state in a file to resume from."""
        return type(self).__qualname__

    def on_fit_start(self, trainer: Trainer, learner: Learner) -> None:
        """Before anything is trained; a state to resume from is read already."""

    def on_train_start(self, trainer: Trainer, learner: Learner) -> None: ...

    def on_train_batch_start(self, trainer: Trainer, learner: Learner) -> None: ...

    def on_train_batch_end(self, trainer: Trainer, learner: Learner) -> None:
        """After a batch, whether the optimizer has stepped or not."""

    def on_validation_start(self, trainer: Trainer, learner: Learner) -> None: ...

    def on_validation_end(self, trainer: Trainer, learner: Learner) -> None:
        """When ``learner.scores`` are those of the check."""

    def on_train_epoch_end(self, trainer: Trainer, learner: Learner) -> None: ...

    def on_train_end(self, trainer: Trainer, learner: Learner) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        """What it must know after an interruption: tensors and plain values."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...

"""The one LightningModule: any model, any loss or training paradigm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from lightning import seed_everything
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from mmser.core.batch import Batch, Step
from mmser.core.completion import completed
from mmser.core.contracts import FollowingObjective
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.multimodal import MultimodalModel
from mmser.objectives.paradigms.supervised import objective_of
from mmser.training.loop.clipping import ClipMode, clip_gradients
from mmser.training.loop.parameters import (
    Group,
    freeze,
    frozen_modules,
    parameter_groups,
    rates_inside,
)
from mmser.training.loop.schedulers import Schedule
from mmser.training.loop.validation import ValidationEpoch


class Learner(LightningModule):
    """Steps on the sum of the objective's named losses and scores the validation split as a whole.

    ``objective`` is a loss, which is trained on as supervised, or a paradigm of its own.
    ``optimizer`` is ``partial(parameters)``, ``scheduler`` ``partial(optimizer, epochs=,
    steps_per_epoch=)``. ``monitor`` is a metric or ``loss``, of the validation split,
    or ``last``: the weights after the last step, whatever their score. ``frozen`` are name patterns
    of parameters that do not learn; their modules stay in evaluation mode. Each epoch's random
    numbers depend on (``seed``, epoch) alone, so that a run resumed at an epoch's start is the run
    that was never interrupted.
    """

    def __init__(
        self,
        model: MultimodalModel,
        objective: nn.Module,
        task: Task,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., Schedule | None] | None = None,
        monitor: str = "ua",
        groups: Sequence[Group] = (),
        frozen: Sequence[str] = (),
        clip_norm: float | None = None,
        clip_mode: ClipMode = "norm",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model = model
        self.objective = objective
        self.task = task
        self.monitor = monitor
        self.metrics: dict[str, float] = {}
        self.scores: dict[str, float] = {}
        """Training losses and validation scores of the last check, named train_* and
        validation_*."""
        self.finished_epochs = 0
        self._optimizer, self._scheduler = optimizer, scheduler
        self._groups, self._frozen = groups, frozen
        self._clip_norm, self._clip_mode = clip_norm, clip_mode
        self._seed = seed
        self._schedule: Schedule | None = None
        self._restored: dict[str, Any] = {}
        self._sums: dict[str, Tensor] = {}
        self._rows, self._steps = 0, 1
        self._progress = 0.0
        self._validation = ValidationEpoch(objective, task)
        freeze(self.named_parameters(), frozen)

    def step(self, batch: Batch) -> Step:
        """The losses of one batch as the objective makes them."""
        return objective_of(self.objective).step(self.model, batch, self._progress)

    def after_step(self) -> None:
        """Tell the objective that the optimizer has stepped."""
        objective = objective_of(self.objective)
        if isinstance(objective, FollowingObjective):
            objective.after_step(self.model)

    def configure_optimizers(self) -> Optimizer:
        """One optimizer.

        The schedule is stepped here and not by Lightning, whose order makes resuming inexact.
        """
        groups = parameter_groups(
            self.named_parameters(), self._groups, self._optimizer, rates_inside(self.model)
        )
        optimizer: Optimizer = completed("the optimizer", self._optimizer, groups)
        if self._scheduler is not None:
            epochs = self.trainer.max_epochs or 1
            steps = max(1, int(self.trainer.estimated_stepping_batches) // max(1, epochs))
            self._schedule = completed(
                "the scheduler", self._scheduler, optimizer, epochs=epochs, steps_per_epoch=steps
            )
        return optimizer

    def on_train_start(self) -> None:
        """Restore the schedule's state of a checkpoint: Lightning has built everything by now."""
        self._steps = max(1, int(self.trainer.estimated_stepping_batches))
        if self._schedule is not None and self._restored:
            self._schedule.scheduler.load_state_dict(self._restored)

    def on_train_epoch_start(self) -> None:
        for module in frozen_modules(self.model, self._frozen):
            module.eval()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        if batch_idx == 0:
            # Not at the epoch's start: the loader's iterator draws a number before or after that
            # hook.
            place = self._seed * 1_000_003 + self.current_epoch * 101 + self.global_rank
            seed_everything(place % 2**32, verbose=False)
        self._progress = min(1.0, self.global_step / self._steps)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """-> the sum of the named losses."""
        step = self.step(batch)
        total, rows = step.total, len(batch.ids)
        # Summed on the device: reading a number after each step would wait for the GPU.
        for name, loss in {**step.losses, "loss": total}.items():
            before = self._sums.get(name, torch.zeros((), device=total.device))
            self._sums[name] = before + loss.detach() * rows
        self._rows += rows
        return total

    def configure_gradient_clipping(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
        clip_gradients(self.parameters(), self._clip_norm, self._clip_mode)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        if self._schedule is not None and self._schedule.interval == "step":
            self._schedule.scheduler.step()
        self.after_step()

    def on_train_epoch_end(self) -> None:
        self.finished_epochs += 1
        schedule = self._schedule
        if schedule is not None and schedule.interval == "epoch":
            schedule.scheduler.step()
        if schedule is not None and schedule.interval == "plateau" and self.monitor in self.metrics:
            schedule.scheduler.step(self.metrics[self.monitor])

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._validation.add(self.model, batch, self._progress)

    def on_validation_epoch_end(self) -> None:
        """Means of the training losses since the last check, and the validation split's scores."""
        trained = {name: float(total) / max(1, self._rows) for name, total in self._sums.items()}
        self._sums, self._rows = {}, 0
        # `last` always improves, so that the latest weights are always the best.
        self.metrics = {**self._validation.finish(self.device), "last": float(self.global_step)}
        self._check(trained)
        scores = {f"train_{name}": value for name, value in trained.items()}
        scores |= {f"validation_{name}": value for name, value in self.metrics.items()}
        if self.monitor != "last":
            del scores["validation_last"]
        self.scores = scores
        # Early stopping reads Lightning's own store; each number in it costs a fifth of a
        # millisecond, so that only the monitored one goes there.
        monitored = f"validation_{self.monitor}"
        self.log(monitored, torch.tensor(scores[monitored]), logger=False, rank_zero_only=False)
        for logger in self.loggers:
            logger.log_metrics(scores, self.global_step)

    def _check(self, trained: dict[str, float]) -> None:
        broken = [
            name for name, value in trained.items() if not torch.isfinite(torch.tensor(value))
        ]
        if broken:
            raise MmserError(
                f"finite training losses in epoch {self.current_epoch + 1}",
                f"{', '.join(broken)} not finite",
                "Lower optimizer.lr, set trainer.clip_norm, or use trainer.precision=32-true.",
            )
        value = self.metrics.get(self.monitor, float("nan"))
        if value != value:
            finite_scores = [name for name, score in self.metrics.items() if score == score]
            raise MmserError(
                f"a validation score '{self.monitor}'",
                f"only {', '.join(finite_scores)}",
                "Set trainer.monitor to one of these, or give the validation split labels.",
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["finished_epochs"] = self.finished_epochs
        checkpoint["should_stop"] = self.trainer.should_stop
        checkpoint["schedule"] = (
            self._schedule.scheduler.state_dict() if self._schedule is not None else {}
        )
        checkpoint["metrics"] = dict(self.metrics)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.finished_epochs = checkpoint["finished_epochs"]
        # Lightning forgets that early stopping had already said stop.
        self.trainer.should_stop = checkpoint["should_stop"]
        self._restored = checkpoint["schedule"]
        self.metrics = dict(checkpoint["metrics"])

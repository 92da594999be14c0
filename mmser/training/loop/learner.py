"""The one learner: any model, any loss or training paradigm.

`mmser.training.loop.plain` trains it on one device; Lightning does what takes more than that
(`mmser.training.loop.trainer`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mmser.core.batch import Batch, Step
from mmser.core.completion import completed
from mmser.core.contracts import FollowingObjective
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.multimodal import MultimodalModel
from mmser.objectives.paradigms.supervised import Supervised, objective_of
from mmser.training.loop.clipping import ClipMode, clip_gradients
from mmser.training.loop.frozen_outputs import GIGABYTE, FrozenOutputs
from mmser.training.loop.loss_sums import LossSums
from mmser.training.loop.parameters import (
    Group,
    freeze,
    frozen_modules,
    parameter_groups,
    rates_inside,
)
from mmser.training.loop.schedulers import Schedule
from mmser.training.loop.validation import ValidationEpoch
from mmser.training.seeding import seed_generators


class Learner(nn.Module):
    """Steps on the sum of the objective's named losses and scores the validation split as a whole.

    ``objective`` is a loss, which is trained on as supervised, or a paradigm of its own.
    ``optimizer`` is ``partial(parameters)``, ``scheduler`` ``partial(optimizer, epochs=,
    steps_per_epoch=)``. ``monitor`` is a metric or ``loss``, of the validation split,
    or ``last``: the weights after the last step, whatever their score. ``frozen`` are name patterns
    of parameters that do not learn; their modules stay in evaluation mode. ``fuses`` is False where
    losses are scaled, as a fused step undoes that after the gradients are clipped. Each epoch's
    random numbers depend on (``seed``, epoch) alone, so that a run resumed at an epoch's start is
    the run that was never interrupted.
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
        fuses: bool = True,
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
        self.global_step, self.rank = 0, 0
        """Steps of the optimizer, and which of the processes of a distributed fold this is."""
        self._optimizer, self._scheduler = optimizer, scheduler
        self._groups, self._frozen = groups, frozen
        self._clip_norm, self._clip_mode = clip_norm, clip_mode
        self._seed, self._fuses = seed, fuses
        self._schedule: Schedule | None = None
        self._restored: dict[str, Any] = {}
        self._sums = LossSums()
        self._steps = 1
        self._progress = 0.0
        # In tuples: as modules of their own they would own the objective's weights twice.
        self._paradigm = (objective_of(objective),)
        paradigm = self._paradigm[0]
        self._following = (paradigm,) if isinstance(paradigm, FollowingObjective) else None
        self._validation = ValidationEpoch(objective, task)
        self._remembered: FrozenOutputs | None = None
        freeze(self.named_parameters(), frozen)

    def remember_frozen(self, gigabytes: float, changes: bool) -> None:
        """Run frozen encoders once an utterance; ``changes`` says that utterances do.

        Raises MmserError where that is not possible (`FrozenOutputs`).
        """
        if not isinstance(self._paradigm[0], Supervised):
            raise MmserError(
                "an objective that is a loss for trainer.frozen_memory",
                f"{type(self.objective).__name__}, which changes what the model is given",
                "Leave the option out.",
            )
        limit = int(gigabytes * GIGABYTE)
        self._remembered = FrozenOutputs(self.model.encoders, limit, changes)

    def step(self, batch: Batch) -> Step:
        """The losses of one batch as the objective makes them."""
        if self._remembered is not None:
            self._remembered.expect(batch)
        return self._paradigm[0].step(self.model, batch, self._progress)

    def after_step(self) -> None:
        """Tell the objective that the optimizer has stepped."""
        if self._following is not None:
            self._following[0].after_step(self.model)

    @property
    def current_epoch(self) -> int:
        """The epoch that is being trained, from 0."""
        return self.finished_epochs

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        return next(self.parameters()).device

    def configure_optimizer(self, epochs: int, steps: int) -> Optimizer:
        """The optimizer of at most ``steps`` in ``epochs``, and its schedule.

        The schedule is stepped here and not by Lightning, whose order makes resuming inexact.
        """
        groups = parameter_groups(
            self.named_parameters(), self._groups, self._optimizer, rates_inside(self.model)
        )
        optimizer: Optimizer = completed("the optimizer", self._optimizer, groups, **self._fused())
        self._steps = max(1, steps)
        if self._scheduler is not None:
            each = max(1, steps // max(1, epochs))
            self._schedule = completed(
                "the scheduler", self._scheduler, optimizer, epochs=epochs, steps_per_epoch=each
            )
        return optimizer

    def _fused(self) -> dict[str, bool]:
        """On a GPU one kernel steps all weights, where the optimizer has one and none is chosen."""
        given = getattr(self._optimizer, "keywords", {})
        chosen = any(given.get(name) is not None for name in ("fused", "foreach"))
        if self.device.type != "cuda" or chosen or not self._fuses:
            return {}
        kind = getattr(self._optimizer, "func", self._optimizer)
        return {"fused": True} if "fused" in signature(kind).parameters else {}

    def on_train_start(self) -> None:
        """Restore the schedule of an interrupted training: the optimizer has its state by now."""
        if self._schedule is not None and self._restored:
            self._schedule.scheduler.load_state_dict(self._restored)

    def on_train_epoch_start(self) -> None:
        for module in frozen_modules(self.model, self._frozen):
            module.eval()

    def on_train_batch_start(self, batch_idx: int) -> None:
        if batch_idx == 0:
            # Not at the epoch's start: the loader's iterator may draw a number until now.
            place = self._seed * 1_000_003 + self.current_epoch * 101 + self.rank
            seed_generators(place % 2**32, self.device)
        self._progress = min(1.0, self.global_step / self._steps)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """-> the sum of the named losses."""
        step = self.step(batch)
        losses = [loss.float() for loss in step.losses.values()]
        # One loss is the sum already.
        total = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        values = torch.stack([loss.detach() for loss in (*losses, total)])
        self._sums.add((*step.losses, "loss"), values, len(batch.ids))
        return total

    def clip(self) -> None:
        """Clip the gradients as asked, between backward and the optimizer's step."""
        clip_gradients(self.parameters(), self._clip_norm, self._clip_mode)

    def after_optimizer_step(self) -> None:
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
        if self._remembered is not None:
            self._remembered.expect(batch)
        self._validation.add(self.model, batch, self._progress)

    def on_validation_epoch_end(self) -> None:
        """Means of the training losses since the last check, and the validation split's scores."""
        trained = self._sums.take()
        # `last` always improves, so that the latest weights are always the best.
        self.metrics = {**self._validation.finish(self.device), "last": float(self.global_step)}
        self._check(trained)
        scores = {f"train_{name}": value for name, value in trained.items()}
        # The number of steps chooses weights and is no score.
        names = [name for name in self.metrics if name != "last"]
        self.scores = scores | {f"validation_{name}": self.metrics[name] for name in names}

    def _check(self, trained: dict[str, float]) -> None:
        broken = [name for name, value in trained.items() if not math.isfinite(value)]
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

    def extra_state_to_resume(self) -> dict[str, Any]:
        """What a file to resume from holds beside weights: plain values and tensors."""
        schedule = self._schedule.scheduler.state_dict() if self._schedule is not None else {}
        return {
            "finished_epochs": self.finished_epochs,
            "schedule": schedule,
            "metrics": dict(self.metrics),
        }

    def resume_from(self, state: dict[str, Any]) -> None:
        """Go on from `extra_state_to_resume`; the schedule follows with `on_train_start`."""
        self.finished_epochs = state["finished_epochs"]
        self._restored = state["schedule"]
        self.metrics = dict(state["metrics"])

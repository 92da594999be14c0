"""Training on one device in one process: step for step what Lightning does with the same options.

For small networks Lightning's hooks around a step cost more than the step, and its import more than
a whole training. What needs several devices or processes, or scaled losses goes through
Lightning (`mmser.training.loop.trainer`); a test holds both to the same bits.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mmser.core.batch import Batch
from mmser.data.fold_data import FoldData
from mmser.settings.trainer import Trainer as Options
from mmser.training.devices import CPU, Place, is_distributed
from mmser.training.loop.learner import Learner
from mmser.training.loop.moving import moved
from mmser.training.loop.watcher import Watcher

PRECISIONS = ("32-true", "32", 32, "bf16-mixed")


def is_plain(options: Options, place: Place) -> bool:
    """Whether these options need nothing of Lightning."""
    on_one = place.accelerator in (CPU, "cuda") and not is_distributed(options.devices, place)
    usual = options.precision in PRECISIONS and options.strategy == "auto"
    on_one = on_one and options.num_nodes == 1
    return on_one and usual and isinstance(options.devices, int)


class PlainTrainer:
    """The trainer of one fold; watchers are told of it as of Lightning's."""

    is_global_zero, world_size = True, 1

    def __init__(
        self,
        options: Options,
        place: Place,
        deterministic: bool | Literal["warn"],
        watchers: list[Watcher],
    ) -> None:
        self.max_epochs = options.epochs
        self.current_epoch = self.global_step = self.num_training_batches = 0
        self.should_stop = False
        self.optimizers: list[Optimizer] = []
        self._options, self._device, self._deterministic = options, place.device, deterministic
        self._watchers = watchers
        self._told = {name: _having(watchers, name) for name in vars(Watcher) if name[:3] == "on_"}

    def fit(self, learner: Learner, data: FoldData, state: Path | None) -> None:
        """Train ``learner``, from the ``state`` that an interruption left if there is one.

        The learner is on the CPU afterwards.
        """
        self._learner, self._train = learner, data.loader("train", True, self._device)
        self._validation = data.loader("validation", False, self._device)
        with _determinism(self._deterministic), torch.enable_grad():
            learner.to(self._device)
            try:
                self._prepare(state)
                self._run()
            finally:
                learner.to(CPU)

    def save_checkpoint(self, filepath: Path) -> None:
        """Write all that `fit` goes on from: tensors and plain values."""
        learner = self._learner
        state = {
            "epoch": self.current_epoch,
            "global_step": self.global_step,
            "state_dict": learner.state_dict(),
            "optimizer_states": [optimizer.state_dict() for optimizer in self.optimizers],
            "callbacks": {each.state_key: each.state_dict() for each in self._watchers},
            "should_stop": self.should_stop,
            **learner.extra_state_to_resume(),
        }
        torch.save(state, filepath)

    def _prepare(self, path: Path | None) -> None:
        learner = self._learner
        state = None
        if path is not None:
            state = torch.load(path, map_location=CPU, weights_only=True)
            learner.load_state_dict(state["state_dict"])
            for watcher in self._watchers:
                if watcher.state_key in state["callbacks"]:
                    watcher.load_state_dict(state["callbacks"][watcher.state_key])
            learner.resume_from(state)
        self._tell("on_fit_start")
        count = _limited(len(self._train), self._options.limit_train_batches)
        self.num_training_batches = count
        self._checked_batches = _limited(
            len(self._validation), self._options.limit_validation_batches
        )
        steps = math.ceil(count / self._options.accumulate) * self.max_epochs
        if self._options.max_steps != -1:
            steps = min(steps, self._options.max_steps)
        self.optimizers = [learner.configure_optimizer(self.max_epochs, steps)]
        if state is not None:
            self.optimizers[0].load_state_dict(state["optimizer_states"][0])
            self.current_epoch, self.global_step = learner.finished_epochs, state["global_step"]
            self.should_stop = state["should_stop"]
        learner.global_step = self.global_step

    def _run(self) -> None:
        self._tell("on_train_start")
        self._learner.on_train_start()
        while not (self._stops() or self.current_epoch >= self.max_epochs):
            self._epoch()
        self._tell("on_train_end")

    def _epoch(self) -> None:
        learner = self._learner
        learner.on_train_epoch_start()
        _set_epoch(self._train, self.current_epoch)
        batches = islice(self._train, self.num_training_batches)
        for place, batch in enumerate(moved(batches, self._device)):
            self._step(place, batch)
            if self._is_checked_after(place):
                self._check()
            if self._stops():
                break
        self._tell("on_train_epoch_end", later=False)
        learner.on_train_epoch_end()
        self._tell("on_train_epoch_end", later=True)
        self.current_epoch += 1

    def _step(self, place: int, batch: Batch) -> None:
        learner, every = self._learner, self._options.accumulate
        self._tell("on_train_batch_start")
        learner.on_train_batch_start(place)
        steps = (place + 1) % every == 0 or place + 1 == self.num_training_batches
        optimizer = self.optimizers[0]

        def closure() -> Tensor:
            with self._precision():
                loss = learner.training_step(batch, place)
            if every > 1:
                loss = loss / every
            if place % every == 0:
                _forget_gradients(optimizer)
            loss.backward()
            if steps:
                learner.clip()
            return loss

        if steps:
            optimizer.step(closure)  # type: ignore[arg-type]  # a tensor, as torch takes it
            learner.after_optimizer_step()
            self.global_step += 1
            learner.global_step = self.global_step
        else:
            closure()
        self._tell("on_train_batch_end")

    @torch.no_grad()
    def _check(self) -> None:
        """Score the validation split; every module is afterwards in the mode that it was in."""
        learner = self._learner
        _forget_gradients(self.optimizers[0])
        modes = {module: module.training for module in learner.modules()}
        learner.eval()
        self._tell("on_validation_start")
        batches = islice(self._validation, self._checked_batches)
        for place, batch in enumerate(moved(batches, self._device)):
            with self._precision():
                learner.validation_step(batch, place)
        learner.on_validation_epoch_end()
        self._tell("on_validation_end")
        for module, training in modes.items():
            module.training = training

    def _is_checked_after(self, place: int) -> bool:
        every = float(self._options.check_every)
        if every > 1.0:
            due = (self.current_epoch + 1) % round(every) == 0
            return due and place + 1 == self.num_training_batches
        return (place + 1) % max(1, int(self.num_training_batches * every)) == 0

    def _stops(self) -> bool:
        """Whether the last step was taken, or stopping was asked for and is allowed."""
        steps, least = self._options.max_steps, self._options.min_epochs
        if steps != -1 and self.global_step >= steps:
            return True
        return self.should_stop and self.current_epoch >= (least or 0)

    def _precision(self) -> AbstractContextManager[Any]:
        if self._options.precision == "bf16-mixed":
            # On a GPU each weight is cast once a step; Lightning casts it at each use.
            kind = self._device.type
            return torch.autocast(kind, torch.bfloat16, cache_enabled=kind == "cuda")
        return nullcontext()

    def _tell(self, moment: str, later: bool | None = None) -> None:
        for watcher in self._told[moment]:
            if later is None or watcher.sees_finished_epoch == later:
                getattr(watcher, moment)(self, self._learner)


def _forget_gradients(optimizer: Optimizer) -> None:
    """What ``zero_grad`` does, without its detour through the compiler's switches."""
    if type(optimizer).zero_grad is not Optimizer.zero_grad:
        optimizer.zero_grad()
        return
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


def _having(watchers: list[Watcher], moment: str) -> list[Watcher]:
    """Those that do something at that moment."""
    nothing = getattr(Watcher, moment)
    return [watcher for watcher in watchers if getattr(type(watcher), moment) is not nothing]


def _limited(length: int, limit: float | int) -> int:
    """A share or a number of ``length`` batches."""
    return min(length, limit) if isinstance(limit, int) else int(length * limit)


def _set_epoch(loader: DataLoader[Batch], epoch: int) -> None:
    loader.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]


@contextmanager
def _determinism(wanted: bool | Literal["warn"]) -> Iterator[None]:
    """Within, operations without a deterministic form are refused, warned of, or taken."""
    # Not by `use_deterministic_algorithms`, which imports torch's compiler.
    before = torch.get_deterministic_debug_mode()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    if wanted:
        # No layer reads memory that nobody wrote; to fill it is a kernel for every new tensor.
        memory.fill_uninitialized_memory = False
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
    torch.set_deterministic_debug_mode({False: "default", "warn": "warn", True: "error"}[wanted])
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        memory.fill_uninitialized_memory = filled

"""What happens around training: best weights, resuming, the metrics table, lines of progress."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from torch import Tensor

from mmser.cache.atomic import written_aside
from mmser.cache.tensors import save_state
from mmser.metrics.table import MONITORS, in_order
from mmser.models.layers.checkpoints.adapters import plain_state
from mmser.runs.run_paths import OBJECTIVE, STATE, WEIGHTS
from mmser.training.loop.learner import Learner
from mmser.training.loop.processes import whole
from mmser.training.loop.watcher import Trainer, Watcher

SECONDS_BETWEEN_WRITES = 5.0
"""Least time between two writes of a file that each epoch could renew; each waits for the disk."""

_KEPT = 64 * 2**20
"""Bytes of weights up to which the best ones may wait in memory."""


class BestWeights(Watcher):
    """Keeps the weights of the check with the best monitored score as safetensors.

    Adapters are merged. Of equal scores the first counts. The objective's own weights (proxies,
    auxiliary heads) go beside them when it has any. Where checks follow each other quickly the best
    weights wait in memory: `flush` writes them, and whoever writes a state calls it before.
    """

    def __init__(self, folder: Path, monitor: str, mode: Literal["min", "max"]) -> None:
        self.folder, self.monitor, self.mode = folder, monitor, mode
        self.score = math.nan
        self.epoch = 0
        self._waiting: dict[str, dict[str, Tensor]] = {}
        self._written = time.monotonic()

    def on_validation_end(self, trainer: Trainer, learner: Learner) -> None:
        score = learner.metrics[self.monitor]
        if not self._improves(score):
            return
        self.score, self.epoch = score, trainer.current_epoch + 1
        modules: dict[str, Any] = {WEIGHTS: learner.model, OBJECTIVE: learner.objective}
        states = {name: whole(plain_state(module)) for name, module in modules.items()}
        if not trainer.is_global_zero:
            return
        self._waiting = states
        if sum(map(_bytes, states.values())) > _KEPT or _is_due(self._written):
            self.flush()
        else:
            self._waiting = {
                name: {key: tensor.detach().clone() for key, tensor in state.items()}
                for name, state in states.items()
            }

    def on_train_end(self, trainer: Trainer, learner: Learner) -> None:
        self.flush()

    def flush(self) -> None:
        """Write the best weights, where those on the disk are older."""
        for name, state in self._waiting.items():
            if state:
                save_state(state, self.folder / name)
        if self._waiting:
            self._waiting, self._written = {}, time.monotonic()

    def _improves(self, score: float) -> bool:
        """Whether the score is better than the best so far; the first always is."""
        if math.isnan(self.score):
            return True
        return score < self.score if self.mode == "min" else score > self.score

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "epoch": self.epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.score, self.epoch = state_dict["score"], state_dict["epoch"]


class ResumeState(Watcher):
    """Writes the trainer's whole state after every ``every`` epochs, whole or not at all.

    Epochs of less than a few seconds are not written each: what an interruption can lose is bounded
    by time, and what is trained again after it is the same. It holds tensors and plain values only:
    it is read with ``weights_only=True``.
    """

    sees_finished_epoch: ClassVar[bool] = True

    def __init__(self, folder: Path, best: BestWeights, every: int = 1) -> None:
        self.folder, self.best, self.every = folder, best, every
        self._written = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, learner: Learner) -> None:
        if (trainer.current_epoch + 1) % self.every and not trainer.should_stop:
            return
        # Processes of a distributed fold write one state together: their clocks may not decide.
        if trainer.world_size == 1 and not self._is_due():
            return
        self._written = time.monotonic()
        # A state that knows of a better epoch must find its weights.
        self.best.flush()
        path = self.folder / STATE
        if trainer.is_global_zero:
            with written_aside(path) as aside:
                trainer.save_checkpoint(aside)
        else:
            trainer.save_checkpoint(path)

    def _is_due(self) -> bool:
        return _is_due(self._written)


class MetricsTable(Watcher):
    """``metrics.csv``: one row per check of the validation split, written every few seconds.

    A resumed run goes on after its last whole epoch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []
        self._since = self._written = time.monotonic()

    def on_validation_end(self, trainer: Trainer, learner: Learner) -> None:
        now = time.monotonic()
        row: dict[str, float] = {"epoch": trainer.current_epoch + 1, "step": trainer.global_step}
        row |= learner.scores
        row["lr"] = float(trainer.optimizers[0].param_groups[-1]["lr"])
        row["seconds"] = round(now - self._since, 3)
        self._since = now
        self.rows.append(row)
        if _is_due(self._written):
            self._write(trainer)

    def on_train_end(self, trainer: Trainer, learner: Learner) -> None:
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        self._written = time.monotonic()
        if trainer.is_global_zero:
            with written_aside(self.path) as aside:
                pd.DataFrame(self.rows).to_csv(aside, index=False)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = list(state_dict["rows"])


class EarlyStopping(Watcher):
    """Stops when ``patience`` checks in a row had no better score, or one that is not finite."""

    def __init__(self, monitor: str, mode: Literal["min", "max"], patience: int) -> None:
        self.monitor, self.mode, self.patience = monitor, mode, patience
        self.best_score = math.inf if mode == "min" else -math.inf
        self.wait_count = 0

    @property
    def state_key(self) -> str:
        facts = {"monitor": f"validation_{self.monitor}", "mode": self.mode}
        return f"EarlyStopping{facts!r}"

    def on_validation_end(self, trainer: Trainer, learner: Learner) -> None:
        # In float32: what differs in later digits is no better score.
        score = float(np.float32(learner.metrics[self.monitor]))
        is_better = score < self.best_score if self.mode == "min" else score > self.best_score
        if not math.isfinite(score):
            trainer.should_stop = True
        elif is_better:
            self.best_score, self.wait_count = score, 0
        else:
            self.wait_count += 1
            trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience

    def state_dict(self) -> dict[str, Any]:
        return {"best_score": self.best_score, "wait_count": self.wait_count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_score = float(state_dict["best_score"])
        self.wait_count = state_dict["wait_count"]


class ProgressLines(Watcher):
    """One line per epoch: loss, the monitored score, the best so far, rate and time left."""

    def __init__(
        self,
        title: str,
        monitor: str,
        best: BestWeights,
        write: Callable[[str], object] = sys.stderr.write,
    ) -> None:
        self.title, self.monitor, self.best, self._write = title, monitor, best, write
        self._start = self._first = 0.0

    def on_train_start(self, trainer: Trainer, learner: Learner) -> None:
        self._start, self._first = time.monotonic(), trainer.current_epoch

    def on_train_epoch_end(self, trainer: Trainer, learner: Learner) -> None:
        if not trainer.is_global_zero:
            return
        epoch, last = trainer.current_epoch + 1, trainer.max_epochs or 0
        each = (time.monotonic() - self._start) / max(1, epoch - self._first)
        speed = f"{each:.1f} s/epoch, at most {duration(each * (last - epoch))} left"
        shown = "  ".join([*self._shown(learner.scores), speed])
        self._write(f"{self.title}: epoch {epoch}/{last}  {shown}\n")

    def _shown(self, scores: Mapping[str, float]) -> Iterator[str]:
        if "train_loss" in scores:
            yield f"loss {scores['train_loss']:.4f}"
        if scores:
            name, score = shown_score(self.monitor, scores)
            yield f"validation {name} {score:.4f}"
        if self.monitor != "last":
            yield f"best {self.best.score:.4f} in {self.best.epoch}"


def shown_score(monitor: str, scores: Mapping[str, float]) -> tuple[str, float]:
    """The name and value of the validation score that a person is shown of a check's ``scores``.

    ``last`` is no score: it chooses nothing, and the first metric that is defined is shown instead.
    """
    if monitor == "last":
        others = [name for name in (*in_order(MONITORS), "loss") if f"validation_{name}" in scores]
        defined = [name for name in others if math.isfinite(scores[f"validation_{name}"])]
        monitor = (defined or others or ["loss"])[0]
    return monitor, scores.get(f"validation_{monitor}", math.nan)


def _bytes(state: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in state.values())


def _is_due(written: float) -> bool:
    """Whether a file that was written at this time of the clock may be written again."""
    return time.monotonic() - written >= SECONDS_BETWEEN_WRITES


def duration(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"

"""The one bar of a run, where a person looks on: a terminal, or a notebook that has widgets."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from tqdm import tqdm

from mmser.training.loop.callbacks import BestWeights, shown_score
from mmser.training.loop.learner import Learner
from mmser.training.loop.watcher import Trainer, Watcher

SHAPE = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
SECONDS_BETWEEN = 0.1
"""Least time between two looks of the bar."""


def has_bar() -> bool:
    """Whether a bar is seen as one; anywhere else it would be hundreds of lines."""
    return in_notebook() or sys.stderr.isatty()


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook that can show widgets."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None and find_spec("ipywidgets") is not None


def make_bar(folds: int, done: int) -> tqdm[Any]:
    """A bar over so many folds, some of which are ``done``; parts of a fold count."""
    kind: Any = tqdm
    if in_notebook():
        from tqdm.auto import tqdm as kind
    # Without tqdm's thread, beside which this process could not be forked.
    single = type("RunBar", (kind,), {"monitor_interval": 0})
    bar: tqdm[Any] = single(
        total=float(folds),
        initial=float(done),
        bar_format=SHAPE,
        dynamic_ncols=True,
        smoothing=0.0,
        miniters=0,
        file=sys.stderr,
    )
    return bar


@dataclass(frozen=True, slots=True)
class FoldBar:
    """The stretch of a run's bar that is one stage of a fold's: ``share`` of a fold from ``start``.

    ``title`` says which fold it is.
    """

    bar: tqdm[Any]
    title: str
    start: float
    share: float

    def show(self, part: float, said: str) -> None:
        """So much of the stretch is done, 1 for all of it; ``said`` stands behind the title."""
        self.bar.set_description_str(f"{self.title} {said}", refresh=False)
        self.bar.update(max(0.0, self.start + self.share * part - self.bar.n))


class BarOfFold(Watcher):
    """Moves the bar by batches, and shows the epoch with the last and the best score."""

    def __init__(self, place: FoldBar, monitor: str, best: BestWeights) -> None:
        self.place, self.monitor, self.best = place, monitor, best
        self._batch, self._scores, self._shown = 0, "", 0.0

    def on_train_batch_end(self, trainer: Trainer, learner: Learner) -> None:
        self._batch += 1
        if time.monotonic() - self._shown >= SECONDS_BETWEEN:
            self._show(trainer)

    def on_validation_end(self, trainer: Trainer, learner: Learner) -> None:
        name, score = shown_score(self.monitor, learner.scores)
        best = "" if self.monitor == "last" else f", best {self.best.score:.4f}"
        self._scores = f" {name} {score:.4f}{best}"

    def on_train_epoch_end(self, trainer: Trainer, learner: Learner) -> None:
        self._show(trainer)
        self._batch = 0

    def _show(self, trainer: Trainer) -> None:
        self._shown = time.monotonic()
        epochs = trainer.max_epochs or 1
        done = trainer.current_epoch + self._batch / max(1.0, trainer.num_training_batches)
        said = f"epoch {trainer.current_epoch + 1}/{epochs}{self._scores}"
        self.place.show(min(1.0, done / epochs), said)


def write_above_bar(line: str) -> None:
    """A line on stderr, above a bar that may stand there."""
    if has_bar():
        tqdm.write(line, file=sys.stderr, end="")
    else:
        sys.stderr.write(line)

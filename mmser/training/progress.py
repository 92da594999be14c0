"""How far a run is: one bar where a person looks on, a line for each finished fold elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from mmser.core.printable import printable
from mmser.core.tables import read_curve
from mmser.runs.run_paths import CURVE, FOLD, fold_folder
from mmser.runs.run_tables import read_json
from mmser.training.loop.callbacks import duration, shown_score
from mmser.training.loop.progress_bar import FoldBar, has_bar, make_bar


class RunProgress:
    """Counts the folds of a run, ``count`` with those that were ``done`` before."""

    def __init__(self, directory: Path, count: int, done: int) -> None:
        self.directory, self.count, self.done = directory, count, done
        self._before, self._begun = done, time.monotonic()
        self._bar = make_bar(count, done) if done < count and has_bar() else None

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def stretch(self, title: str, number: int, stages: int) -> FoldBar | None:
        """The part of the bar that stage ``number`` (from 0) of the next fold moves through."""
        if self._bar is None:
            return None
        share = 1.0 / stages
        name = printable(f"{self.done + 1}/{self.count} {title}")
        return FoldBar(self._bar, name, self.done + number * share, share)

    def finished(self, fold: str, seed: int) -> None:
        """One more fold is trained."""
        self.done += 1
        score = outcome(fold_folder(self.directory, fold, seed))
        said = printable(f"fold {fold} seed {seed}: {score}")
        if self._bar is not None:
            self._bar.set_description_str(f"{self.done}/{self.count} folds, {said}", refresh=False)
            self._bar.update(max(0.0, self.done - self._bar.n))
            self._bar.refresh()
            return
        each = (time.monotonic() - self._begun) / (self.done - self._before)
        left = self.count - self.done
        rest = f", about {duration(each * left)} left" if left else ""
        sys.stderr.write(f"{self.done}/{self.count} {said}{rest}\n")


def outcome(folder: Path) -> str:
    """The validation score of a finished fold and its epoch, as its files have them."""
    facts: dict[str, Any] = read_json(folder / FOLD)
    epochs, monitor = facts["epochs"], facts["monitor"]
    if monitor == "last":
        last = read_curve(folder / CURVE).iloc[-1]
        name, score = shown_score(monitor, {str(key): float(last[key]) for key in last.index})
        return f"validation {name} {score:.4f} after the last of {epochs} epochs"
    if facts["best_score"] is None:
        return "nothing to train"
    said = f"validation {monitor} {facts['best_score']:.4f}"
    return f"{said} in epoch {facts['best_epoch']} of {epochs}" if epochs else said

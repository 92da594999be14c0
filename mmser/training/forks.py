"""Several folds at the same time, in forks of this process that each train fold after fold.

A fork has all that is imported, so that a fold of a second does not wait seconds for torch. It
cannot use a GPU that its parent has touched, nor threads of its own beside another thread's locks:
`may_fork` says when it is safe. Elsewhere `mmser.training.fold_server` is the process that forks.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

from mmser.core.errors import MmserError
from mmser.runs.run_tables import read_settings
from mmser.runs.training_stages import list_stages
from mmser.training.devices import CPU
from mmser.training.fold_training import fit_fold
from mmser.training.room import Room, free_memory, room_of
from mmser.training.run import Run

FoldSeed = tuple[str, int]

VISIBLE = "CUDA_VISIBLE_DEVICES"


def may_fork(threads: int, accelerator: str) -> bool:
    """Whether a fold that takes so many threads of the accelerator may be trained in a fork."""
    # A fork has one thread, and pools of threads that its parent had started stand still in it.
    single = threads == 1 and threading.active_count() == 1
    return sys.platform == "linux" and accelerator == CPU and single


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fold: ``error`` is "" for a trained one.

    ``out_of_memory`` where the card had no room for it; ``room`` is None on the CPU.
    """

    error: str
    out_of_memory: bool = False
    room: Room | None = None


@dataclass(eq=False, slots=True)
class Fork:
    """A process that trains what it is sent."""

    process: BaseProcess
    line: Connection
    card: str
    number: int = -1
    """The place in the list of the fold that it trains."""

    def outcome(self) -> Outcome:
        """Of the fold that it had; the process may have ended."""
        try:
            outcome: Outcome = self.line.recv()
            return outcome
        except (EOFError, OSError):  # it could not say
            self.process.join()
            return Outcome(f"its process ended with {self.process.exitcode}")


@dataclass(eq=False)
class Forks:
    """Trains folds, at most ``jobs`` at a time on all ``cards`` together.

    Where ``by_memory`` says so, one on each card to begin with, and as many as fit when the first
    has told what it took. A fold that found no room is trained again when no other runs.
    """

    directory: Path
    accelerator: str
    jobs: int
    cards: Sequence[str] = ("",)
    by_memory: bool = False
    tell: Callable[[int], object] = field(default=int)
    """Called with the place in the list of each fold that is trained."""
    idle: list[Fork] = field(default_factory=list)
    running: dict[Connection, Fork] = field(default_factory=dict)

    def train(self, pending: Sequence[FoldSeed]) -> list[str]:
        """What went wrong with each fold, "" for nothing."""
        errors = [""] * len(pending)
        waiting, later, alone = list(range(len(pending))), list[int](), False
        most = len(self.cards) if self.by_memory else self.jobs
        try:
            while waiting or later or self.running:
                if not waiting and not self.running:
                    waiting, later, alone, most = later, [], True, 1
                while waiting and len(self.running) < most:
                    self._start(waiting.pop(0), pending)
                for line in wait(list(self.running)):
                    fork = self.running.pop(cast(Connection, line))
                    outcome = fork.outcome()
                    if outcome.out_of_memory and self.jobs > 1 and not alone:
                        later.append(fork.number)
                    else:
                        errors[fork.number] = outcome.error
                        if not outcome.error:
                            self.tell(fork.number)
                    if outcome.room and self.by_memory and not alone:
                        most = max(most, min(self.jobs, len(self.cards) * outcome.room.folds))
                    if fork.process.is_alive():
                        self.idle.append(fork)
        finally:
            self._end()
        return errors

    def _start(self, number: int, pending: Sequence[FoldSeed]) -> None:
        fork = self.idle.pop() if self.idle else self._forked()
        fork.number = number
        fork.line.send(pending[number])
        self.running[fork.line] = fork

    def _forked(self) -> Fork:
        """A new process, on the card that has the fewest."""
        taken = [fork.card for fork in self.running.values()]
        card = min(self.cards, key=taken.count)
        context = multiprocessing.get_context("fork")
        own, its = context.Pipe()
        process = context.Process(target=_serve, args=(self.directory, self.accelerator, card, its))
        process.start()
        its.close()
        return Fork(process, own, card)

    def _end(self) -> None:
        for fork in (*self.running.values(), *self.idle):
            fork.process.kill()
            fork.process.join()


def run_in_forks(directory: Path, pending: Sequence[FoldSeed], forks: Forks) -> list[str]:
    """Train each fold; -> what went wrong with each, "" for nothing."""
    _import_for_all(directory)
    # What lies in memory now is never freed, and so never written to in a fork.
    gc.freeze()
    try:
        return forks.train(pending)
    finally:
        gc.unfreeze()


def _import_for_all(directory: Path) -> None:
    """What each fork would otherwise import anew."""
    stages = list_stages(read_settings(directory))
    if any(not stage.settings.solver for stage in stages):
        # The compiler is imported by every first optimizer, the others by every fold's end.

        import mmser.training.epochs  # noqa: F401


def _serve(directory: Path, accelerator: str, card: str, line: Connection) -> None:
    """What a fork does: fold after fold, until its parent ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if card:
        os.environ[VISIBLE] = card
    # Opened by the first fold, and not read once more for each.
    opened = cache(partial(Run, directory, tells_changes=False))
    while True:
        line.send(_outcome(opened, directory, line.recv(), accelerator))
        free_memory(accelerator)


def _outcome(
    opened: Callable[[], Run], directory: Path, fold_seed: FoldSeed, accelerator: str
) -> Outcome:
    import torch

    try:
        fit_fold(directory, *fold_seed, accelerator, run=opened())
    except MmserError as problem:
        return Outcome(str(problem))
    except torch.OutOfMemoryError as problem:
        return Outcome(f"{type(problem).__name__}: {problem}", out_of_memory=True)
    except Exception as problem:  # noqa: BLE001  # whatever it is, the parent names it
        traceback.print_exc()
        return Outcome(f"{type(problem).__name__}: {problem}")
    return Outcome("", room=room_of(accelerator))


def _end_with_parent() -> None:
    """Wait for the parent's end, however it comes, and end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)

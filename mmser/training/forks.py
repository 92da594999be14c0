"""Several folds at the same time, each in a fork of this process.

A fork has all that is imported, so that a fold of a second does not wait seconds for torch. It
cannot use a GPU that its parent has touched, nor threads of its own beside another thread's locks:
`may_fork` says when it is safe. `mmser.training.jobs` starts processes from nothing elsewhere.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.runs.run_tables import read_settings
from mmser.runs.training_stages import list_stages
from mmser.training.devices import CPU
from mmser.training.fold_training import fit_fold

FoldSeed = tuple[str, int]


def may_fork(threads: int, accelerator: str) -> bool:
    """Whether a fold that takes so many threads of the accelerator may be trained in a fork."""
    # A fork has one thread, and pools of threads that its parent had started stand still in it.
    single = threads == 1 and threading.active_count() == 1
    return sys.platform == "linux" and accelerator == CPU and single


@dataclass(frozen=True, slots=True)
class Fork:
    """One running fold: its place in the list, its process, and where its error comes out."""

    place: int
    process: BaseProcess
    error: Connection

    def outcome(self) -> str:
        """ "" for a trained fold, else what went wrong; the process has ended."""
        self.process.join()
        if self.process.exitcode == 0:
            return ""
        try:
            return self.error.recv_bytes().decode()
        except EOFError:  # it could not say
            return f"its process ended with {self.process.exitcode}"


def run_in_forks(
    directory: Path, pending: Sequence[FoldSeed], jobs: int, accelerator: str
) -> list[str]:
    """Train each fold, ``jobs`` at a time; -> what went wrong with each, "" for nothing."""
    _import_for_all(directory)
    errors = [""] * len(pending)
    waiting = list(enumerate(pending))
    running: dict[int, Fork] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                place, fold_seed = waiting.pop(0)
                fork = _started(place, directory, fold_seed, accelerator)
                running[fork.process.sentinel] = fork
            for sentinel in wait(list(running)):
                fork = running.pop(sentinel)  # type: ignore[arg-type]  # sentinels are numbers here
                errors[fork.place] = fork.outcome()
    finally:
        for fork in running.values():
            fork.process.kill()
            fork.process.join()
    return errors


def _import_for_all(directory: Path) -> None:
    """What each fork would otherwise import anew."""
    stages = list_stages(read_settings(directory))
    if any(not stage.settings.solver for stage in stages):
        import mmser.training.epochs  # noqa: F401


def _started(place: int, directory: Path, fold_seed: FoldSeed, accelerator: str) -> Fork:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_train, args=(directory, *fold_seed, accelerator, sender))
    process.start()
    sender.close()
    return Fork(place, process, receiver)


def _train(directory: Path, fold: str, seed: int, accelerator: str, error: Connection) -> None:
    """What a fork does: one fold, then it ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        fit_fold(directory, fold, seed, accelerator)
    except MmserError as problem:
        error.send_bytes(str(problem).encode())
        sys.exit(1)
    except Exception as problem:  # noqa: BLE001  # whatever it is, the parent names it
        traceback.print_exc()
        error.send_bytes(f"{type(problem).__name__}: {problem}".encode())
        sys.exit(1)


def _end_with_parent() -> None:
    """Wait for the parent's end, however it comes, and end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)

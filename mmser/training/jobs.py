"""Several folds at the same time, in processes that die with this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.trust import trusted
from mmser.settings.trainer import Trainer
from mmser.training.devices import Place, is_distributed
from mmser.training.fold_server import run_in_server
from mmser.training.forks import FoldSeed, Forks, may_fork, run_in_forks
from mmser.training.loop.progress_bar import write_above_bar


def job_count(options: Trainer, pending: int, place: Place) -> int:
    """``trainer.jobs`` as a number; ``auto`` is one per core.

    Of folds on a GPU so many are trained at the same time at most: see `Forks.by_memory`.
    """
    cores = (os.cpu_count() or 1) // max(1, int(options.threads))
    jobs = cores if options.jobs == "auto" else int(options.jobs)
    if place.accelerator == "mps" and options.jobs == "auto":
        jobs = 1
    return max(1, min(jobs, pending))


def run_in_processes(
    directory: Path,
    pending: Sequence[FoldSeed],
    jobs: int,
    options: Trainer,
    place: Place,
    finished: Callable[[str, int], object] | None = None,
) -> None:
    """Train the folds, ``jobs`` at a time, each job in a process of its own.

    ``finished`` is called with each that is trained.

    Raises MmserError naming those that failed, after the others have ended.
    """
    threads = options.threads

    def tell(number: int) -> None:
        if finished is not None:
            finished(*pending[number])

    if is_distributed(options.devices, place):
        with ThreadPoolExecutor(jobs) as pool:
            train_one = partial(_run_one, directory, threads, place.accelerator, pending, tell)
            errors = list(pool.map(train_one, range(len(pending))))
    elif may_fork(threads, place.accelerator):
        errors = run_in_forks(
            directory, pending, Forks(directory, place.accelerator, jobs, tell=tell)
        )
    else:
        by_memory = options.jobs == "auto" and place.accelerator == "cuda"
        errors = run_in_server(directory, pending, jobs, threads, place, by_memory, tell)
    failed = {
        f"{fold} seed {seed}": error
        for (fold, seed), error in zip(pending, errors, strict=True)
        if error
    }
    if failed:
        first = next(iter(failed.values()))
        raise MmserError(
            f"{len(pending)} trained folds",
            f"{', '.join(failed)} failed ({first})",
            "The same command goes on.",
        )


def _run_one(
    directory: Path,
    threads: int,
    accelerator: str,
    pending: Sequence[FoldSeed],
    tell: Callable[[int], None],
    number: int,
) -> str:
    """The last line of a failed process's error output, "" when it succeeded.

    One process for one distributed fold: Lightning repeats its command for the others. All its
    lines are printed on.
    """
    fold, seed = pending[number]
    command = [
        sys.executable,
        "-m",
        "mmser.training.fold_training",
        str(directory),
        fold,
        str(seed),
        accelerator,
        *trusted(),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    last = "no message"
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        for line in process.stderr or ():
            write_above_bar(line)
            last = line.strip() or last
    if process.returncode:
        return last
    tell(number)
    return ""

"""Several folds at the same time, in processes that die with this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.trust import trusted
from mmser.settings.trainer import Trainer
from mmser.training.devices import Place, is_distributed
from mmser.training.fold_server import run_in_server
from mmser.training.forks import FoldSeed, Forks, may_fork, run_in_forks


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
    directory: Path, pending: Sequence[FoldSeed], jobs: int, options: Trainer, place: Place
) -> None:
    """Train the folds, ``jobs`` at a time, each job in a process of its own.

    Raises MmserError naming those that failed, after the others have ended.
    """
    threads = options.threads
    if is_distributed(options.devices, place):
        with ThreadPoolExecutor(jobs) as pool:
            train_one = partial(_run_one, directory, threads, place.accelerator)
            errors = list(pool.map(train_one, pending))
    elif may_fork(threads, place.accelerator):
        errors = run_in_forks(directory, pending, Forks(directory, place.accelerator, jobs))
    else:
        by_memory = options.jobs == "auto" and place.accelerator == "cuda"
        errors = run_in_server(directory, pending, jobs, threads, place, by_memory)
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


def _run_one(directory: Path, threads: int, accelerator: str, fold_seed: FoldSeed) -> str:
    """The last line of a failed process's error output, "" when it succeeded.

    One process for one distributed fold: Lightning repeats its command for the others. All its
    lines are printed on.
    """
    fold, seed = fold_seed
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
            sys.stderr.write(line)
            last = line.strip() or last
    return last if process.returncode else ""

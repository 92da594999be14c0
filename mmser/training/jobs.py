"""Several folds at the same time, in processes that die with this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from mmser.core.errors import MmserError
from mmser.core.trust import trusted
from mmser.settings.trainer import Trainer
from mmser.training.devices import CPU, Place, is_distributed
from mmser.training.forks import FoldSeed, may_fork, run_in_forks
from mmser.training.worker import Worker


def job_count(options: Trainer, pending: int, place: Place) -> int:
    """``trainer.jobs`` as a number; ``auto`` is one per core on the CPU, else one."""
    jobs = options.jobs
    if jobs != "auto":
        return max(1, min(int(jobs), pending))
    cores = (os.cpu_count() or 1) // max(1, int(options.threads))
    return max(1, min(cores, pending)) if place.accelerator == CPU else 1


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
    elif jobs > 1 and may_fork(threads, place.accelerator):
        errors = run_in_forks(directory, pending, jobs, place.accelerator)
    else:
        errors = _run_in_workers(directory, pending, jobs, threads, place)
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


def _run_in_workers(
    directory: Path, pending: Sequence[FoldSeed], jobs: int, threads: int, place: Place
) -> list[str]:
    """What went wrong with each fold; a worker that dies costs the fold that it had."""
    errors = [""] * len(pending)
    waiting: SimpleQueue[int] = SimpleQueue()
    for number in range(len(pending)):
        waiting.put(number)

    def run(job: int) -> None:
        worker = None
        try:
            while True:
                number = waiting.get_nowait()
                if worker is None or worker.has_ended:
                    worker = Worker(directory, job, threads, place)
                errors[number] = worker.train(pending[number])
        except Empty:
            return
        finally:
            if worker is not None:
                worker.end()

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, range(jobs)))
    return errors


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

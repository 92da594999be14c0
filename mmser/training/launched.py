"""Folds as jobs of a cluster, by submitit: each trains one fold into the run's folder.

The folder lies on a disk that all machines have. What a job returns is not read: a fold is done
when its folder says so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError
from mmser.core.trust import trust, trusted
from mmser.core.verbosity import verbose
from mmser.runs.run_paths import DONE, fold_folder
from mmser.settings.launcher import Launcher
from mmser.training.devices import find_place
from mmser.training.forks import FoldSeed

FOLDER = "jobs"
"""Below the run's: what submitit hands to its jobs, and what they print."""

POLL_SECONDS = 0.5

_log = logging.getLogger(__name__)


class FoldJob:
    """What a job does. It is queued again where Slurm's limit of time ends it, and goes on."""

    def __init__(self, directory: Path, fold_seed: FoldSeed, names: Sequence[str]) -> None:
        self.directory, self.fold_seed, self.names = directory, fold_seed, names

    def __call__(self) -> None:
        from mmser.runs.run_tables import read_settings
        from mmser.settings.run import read_run
        from mmser.training.fold_training import fit_fold

        trust(*self.names)
        accelerator = read_run(read_settings(self.directory)).trainer.accelerator
        # A node without the GPU that was asked for is told, and not a reason to take weeks.
        place = find_place(accelerator, required=True)
        # What it prints is its log.
        with verbose():
            fit_fold(self.directory, *self.fold_seed, place.accelerator)

    def checkpoint(self) -> Any:
        """What submitit calls before the limit."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def run_as_jobs(directory: Path, pending: Sequence[FoldSeed], launcher: Launcher) -> None:
    """Train the folds as jobs and wait for all of them; they end with this command.

    Raises MmserError naming those that failed, after the others have ended.
    """
    if find_spec("submitit") is None:
        raise MmserError("submitit", "none", "pip install 'mmser[slurm]'.")
    executor = _executor(directory / FOLDER, directory.name, launcher)
    waiting, running = list(pending), dict[FoldSeed, Any]()
    failed: dict[FoldSeed, str] = {}
    try:
        while waiting or running:
            while waiting and len(running) < launcher.jobs:
                fold_seed = waiting.pop(0)
                job = executor.submit(FoldJob(directory.absolute(), fold_seed, trusted()))
                _log.info("%s: job %s", _named(fold_seed), job.job_id)
                running[fold_seed] = job
            time.sleep(POLL_SECONDS)
            for fold_seed in [each for each, job in running.items() if job.done()]:
                job = running.pop(fold_seed)
                if (fold_folder(directory, *fold_seed) / DONE).is_file():
                    _log.info("%s: done, %d to go", _named(fold_seed), len(waiting) + len(running))
                else:
                    failed[fold_seed] = _reason(job)
    finally:
        for job in running.values():
            job.cancel()
    if failed:
        names, first = map(_named, failed), next(iter(failed.values()))
        raise MmserError(
            f"{len(pending)} trained folds",
            f"{', '.join(names)} failed ({first})",
            f"What they printed lies in {directory / FOLDER}; the same command goes on.",
        )


def _executor(folder: Path, run: str, launcher: Launcher) -> Any:
    import submitit

    is_slurm = launcher.name == "slurm"
    try:
        executor = submitit.AutoExecutor(folder, cluster="slurm" if is_slurm else "local")
    except RuntimeError as error:
        raise MmserError(
            "Slurm's sbatch on this machine", str(error), "Run it where jobs are submitted."
        ) from error
    options: dict[str, Any] = {
        "name": f"mmser-{run}",
        "timeout_min": launcher.timeout_min,
        "cpus_per_task": launcher.cpus,
        "gpus_per_node": launcher.gpus,
        "mem_gb": launcher.memory_gb,
    }
    if is_slurm:
        options |= {
            "slurm_partition": launcher.partition,
            "slurm_account": launcher.account,
            "slurm_additional_parameters": dict(launcher.options),
        }
    executor.update_parameters(**{key: each for key, each in options.items() if each is not None})
    return executor


def _reason(job: Any) -> str:
    """The last line that a job printed of its end."""
    lines = [line for line in (job.stderr() or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"job {job.job_id} is {job.state}, without a message"


def _named(fold_seed: FoldSeed) -> str:
    fold, seed = fold_seed
    return f"fold {fold} seed {seed}"

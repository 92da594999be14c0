"""Folds at the same time against folds one after another.

    python scripts/benchmark_folds.py [--device cuda] [--jobs 12] [--folds 10] [--seeds 3]
    [--epochs 20] [--sequential 6] [--system functionals]

Leave one speaker out on made features of EMO-DB's size. One side trains the first ``--sequential``
of the folds in this process, the other all folds x seeds with ``trainer.jobs``. The rates of both
sides are those after each process's first fold, which pays for its start; whether both ended with
the same weights, bit for bit.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))

import made_corpus

from mmser.runs.run_paths import FOLD, WEIGHTS
from mmser.training.fit import train
from mmser.training.run import Run

SYSTEMS = {
    "functionals": ["system=functionals", "model.head.hidden_sizes=[128]"],
    "gru": ["system=audio_bigru", "encoders.audio.hidden_size=64"],
}


def settings_of(folder: Path, run: str, options: argparse.Namespace, jobs: int) -> dict[str, Any]:
    words = [
        *SYSTEMS[options.system],
        f"trainer.epochs={options.epochs}",
        "trainer.patience=null",
        f"trainer.accelerator={'gpu' if options.device == 'cuda' else options.device}",
        f"trainer.jobs={jobs}",
        f"seeds={list(range(options.seeds))}".replace(" ", ""),
        f"folds=[{','.join(f's{number:02d}' for number in range(options.folds))}]",
    ]
    return made_corpus.settings_of(folder, run, *words)


def ends(run: Run) -> list[float]:
    """When each fold ended, in order."""
    return sorted((one.directory / FOLD).stat().st_mtime for one in run.finished())


def steady(run: Run, jobs: int) -> float:
    """Folds a second between the end of the first of every job and the last."""
    found = ends(run)
    return (len(found) - jobs) / max(1e-9, found[-1] - found[jobs - 1])


def timed(settings: dict[str, Any]) -> tuple[Run, float, float]:
    """The run, its seconds, and CPU seconds of all processes; says how far it is."""
    before, start = _cpu(), time.time()
    over = threading.Event()
    folder = Path(str(settings["run"]))
    telling = threading.Thread(target=_tell, args=(folder, over, start), daemon=True)
    if settings["trainer"]["accelerator"] != "cpu":  # there a thread would forbid forks
        telling.start()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            run = train(settings)
    finally:
        over.set()
    return run, time.time() - start, _cpu() - before


def _tell(folder: Path, over: threading.Event, start: float) -> None:
    while not over.wait(4):
        done = len(list(folder.glob(f"folds/*/{FOLD}")))
        print(f"  {time.time() - start:.0f} s: {done} folds", flush=True)


def _cpu() -> float:
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in own)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--system", default="functionals", choices=list(SYSTEMS))
    parser.add_argument("--jobs", type=int, nargs="+", default=[2])
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--sequential", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = argparse.Namespace(**vars(options))
        few.folds, few.seeds = min(options.folds, options.sequential), 1
        one, seconds, cpu = timed(settings_of(folder, "one", few, 1))
        alone = steady(one, 1)
        print(
            f"{options.system} jobs=1: {few.folds} folds {seconds:.1f} s, "
            f"CPU {cpu / few.folds:.2f} s a fold, {60 * alone:.0f} folds a minute",
            flush=True,
        )
        for jobs in options.jobs:
            compare(folder, options, one, jobs)


def compare(folder: Path, options: argparse.Namespace, one: Run, jobs: int) -> None:
    """All folds and seeds with so many jobs, beside those that were trained one by one."""
    many, seconds, cpu = timed(settings_of(folder, f"many{jobs}", options, jobs))
    count, alone = len(many.finished()), steady(one, 1)
    same = sum(
        (each.directory / WEIGHTS).read_bytes()
        == (many.fold(each.fold, each.seed).directory / WEIGHTS).read_bytes()
        for each in one.finished()
    )
    print(
        f"{options.system} jobs={jobs}: {count} folds {seconds:.1f} s with the start of the "
        f"processes, CPU {cpu / count:.2f} s a fold; {steady(many, jobs) / alone:.2f} times the "
        f"rate of jobs=1, {count / seconds / alone:.2f} with the start; {same} of "
        f"{len(one.finished())} have the same bits",
        flush=True,
    )


if __name__ == "__main__":
    main()

"""Folds at the same time against folds one after another.

    python scripts/benchmark_folds.py [--device cuda] [--jobs 12] [--folds 10] [--seeds 3]
    [--epochs 20] [--sequential 6] [--system functionals]

Leave one speaker out on made features of EMO-DB's size. One side trains the first ``--sequential``
of the folds x seeds in this process, the other all of them with ``trainer.jobs``. Folds per minute
of each side, with and without what the start of the processes takes (until the first fold of each
job begins); whether both ended with the same weights, bit for bit.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))

import made_corpus

from mmser.runs.run_paths import FOLD, LOCKED, WEIGHTS
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


def spans(run: Run) -> list[tuple[float, float]]:
    """When each fold began and ended, by its first and its last file."""
    found = []
    for trained in run.finished():
        folder = trained.directory
        lock = folder / LOCKED
        began = (lock if lock.is_file() else folder).stat().st_mtime
        found.append((began, (folder / FOLD).stat().st_mtime))
    return found


def timed(settings: dict[str, Any], jobs: int) -> tuple[Run, float, float, float]:
    """The run, its seconds, those after every job had begun, and CPU seconds of all processes."""
    before, start = _cpu(), time.time()
    with contextlib.redirect_stderr(io.StringIO()):
        run = train(settings)
    end = time.time()
    begun = sorted(first for first, _ in spans(run))[: max(1, jobs)]
    return run, end - start, end - begun[0], _cpu() - before


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
        # What the first training of a process imports is no one's.
        warm = argparse.Namespace(**{**vars(options), "folds": 1, "seeds": 1, "epochs": 1})
        timed(settings_of(folder, "warm", warm, 1), 1)
        few = argparse.Namespace(**vars(options))
        few.folds, few.seeds = min(options.folds, options.sequential), 1
        one, seconds, _, cpu = timed(settings_of(folder, "one", few, 1), 1)
        rate = len(one.finished()) / seconds
        print(
            f"{options.system} jobs=1: {len(one.finished())} folds {seconds:.1f} s, "
            f"CPU {cpu / len(one.finished()):.2f} s a fold, {60 * rate:.0f} folds a minute",
            flush=True,
        )
        for jobs in options.jobs:
            many, seconds, running, cpu = timed(
                settings_of(folder, f"many{jobs}", options, jobs), jobs
            )
            count = len(many.finished())
            same = sum(
                (trained.directory / WEIGHTS).read_bytes()
                == (many.fold(trained.fold, trained.seed).directory / WEIGHTS).read_bytes()
                for trained in one.finished()
            )
            print(
                f"{options.system} jobs={jobs}: {count} folds {seconds:.1f} s "
                f"({running:.1f} s after the first began), CPU {cpu / count:.2f} s a fold; "
                f"{count / seconds / rate:.2f}x jobs=1, {count / running / rate:.2f}x without the "
                f"start; {same} of {len(one.finished())} the same bits",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""A process that trains the folds which it is given, one after another, seen from its parent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from mmser.core.trust import trusted
from mmser.training.devices import Place
from mmser.training.forks import FoldSeed

PROGRAM = ["-m", "mmser.training.fold_worker"]


class Worker:
    """A `mmser.training.fold_worker` process; its lines are printed on."""

    def __init__(self, directory: Path, job: int, threads: int, place: Place) -> None:
        command = [sys.executable, *PROGRAM, str(directory)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), **card(job, place)}
        self._process = subprocess.Popen(  # noqa: S603
            [*command, place.accelerator, *trusted()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self._last = "no message"
        self._printing = threading.Thread(target=self._print, daemon=True)
        self._printing.start()

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def train(self, fold_seed: FoldSeed) -> str:
        """What went wrong, "" for nothing; the last line that it printed where it died."""
        given, answers = self._process.stdin, self._process.stdout
        try:
            print(json.dumps(fold_seed), file=given, flush=True)
            answer: str = json.loads(answers.readline())  # type: ignore[union-attr]
            return answer
        except (BrokenPipeError, json.JSONDecodeError):
            self._process.wait()
            self._printing.join()
            return f"{self._last} (its process ended with {self._process.returncode})"

    def end(self) -> None:
        """Let it go, whatever it does."""
        with suppress(BrokenPipeError):
            self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()

    def _print(self) -> None:
        for line in self._process.stderr or ():
            sys.stderr.write(line)
            self._last = line.strip() or self._last


def card(job: int, place: Place) -> dict[str, str]:
    """The environment in which a job sees one of several GPUs, each job the next."""
    if place.accelerator != "cuda" or place.count < 2:
        return {}
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    cards = seen.split(",") if seen else [str(number) for number in range(place.count)]
    return {"CUDA_VISIBLE_DEVICES": cards[job % len(cards)]}

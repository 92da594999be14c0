"""A process that forks for its parent where that cannot: it has touched a GPU, or has threads.

``python -m mmser.training.fold_server`` reads an `Order` as JSON and answers with the place in
the list of each fold when it is trained, at last with a list of what went wrong with each, "" for
nothing. It ends with its input, so also with its parent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TextIO

from mmser.cache.checked import adopt
from mmser.core.trust import trust, trusted
from mmser.runs.run_paths import CHECKED
from mmser.runs.run_tables import read_json
from mmser.training.devices import Place
from mmser.training.forks import VISIBLE, FoldSeed, Forks, run_in_forks
from mmser.training.loop.progress_bar import write_above_bar

PROGRAM = ["-m", "mmser.training.fold_server"]


@dataclass(frozen=True, slots=True)
class Order:
    """Which folds are trained how; ``names`` are the modules that the user trusts."""

    directory: str
    pending: list[FoldSeed]
    accelerator: str
    jobs: int
    cards: list[str]
    by_memory: bool
    names: list[str]


def run_in_server(
    directory: Path,
    pending: Sequence[FoldSeed],
    jobs: int,
    threads: int,
    place: Place,
    by_memory: bool = False,
    tell: Callable[[int], object] = int,
) -> list[str]:
    """What went wrong with each fold, trained ``jobs`` at a time; its lines are printed on.

    ``tell`` is called with the place in the list of each that is trained.
    """
    order = Order(
        str(directory),
        list(pending),
        place.accelerator,
        jobs,
        cards_of(place),
        by_memory,
        list(trusted()),
    )
    last = ["no message"]
    with subprocess.Popen(  # noqa: S603
        [sys.executable, *PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        text=True,
    ) as process:
        given, answers, printed = process.stdin, process.stdout, process.stderr
        if given is None or answers is None or printed is None:
            raise ValueError("a process without the pipes that were asked for")
        printing = threading.Thread(target=_print_on, args=(printed, last), daemon=True)
        printing.start()
        given.write(json.dumps(asdict(order)) + "\n")
        given.flush()
        errors = _answered(answers, tell)
        given.close()
        process.wait()
        printing.join()
    if errors is None:
        return [f"{last[0]} (its process ended with {process.returncode})"] * len(pending)
    return errors


def _answered(answers: IO[str], tell: Callable[[int], object]) -> list[str] | None:
    """What went wrong with each fold; None where the process has ended without a word of it."""
    for line in answers:
        answer: int | list[str] = json.loads(line)
        if isinstance(answer, list):
            return answer
        tell(answer)
    return None


def cards_of(place: Place) -> list[str]:
    """Each GPU as `VISIBLE` names it; [""] where there is one or none."""
    if place.accelerator != "cuda" or place.count < 2:
        return [""]
    seen = os.environ.get(VISIBLE)
    return seen.split(",") if seen else [str(number) for number in range(place.count)]


def _print_on(lines: TextIO, last: list[str]) -> None:
    for line in lines:
        write_above_bar(line)
        last[0] = line.strip() or last[0]


def _end_with_input() -> None:
    # Not by `sys.stdin`, whose lock a fork would find taken.
    while os.read(0, 1):
        pass
    os._exit(1)


def main() -> None:
    """Serve one order."""
    # Where the answer goes: what else is printed goes to the error output.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    order = Order(**{**given, "pending": [(fold, seed) for fold, seed in given["pending"]]})
    trust(*order.names)
    directory = Path(order.directory)
    if (directory / CHECKED).is_file():
        adopt(read_json(directory / CHECKED))

    def answer(what: int | list[str]) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    forks = Forks(directory, order.accelerator, order.jobs, order.cards, order.by_memory, answer)
    answer(run_in_forks(directory, order.pending, forks))


if __name__ == "__main__":
    main()

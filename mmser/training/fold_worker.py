"""A process that trains fold after fold, so that what they share is imported once.

``python -m mmser.training.fold_worker RUN ACCELERATOR [TRUSTED...]`` reads ``[fold, seed]`` line by
line and answers each with what went wrong, "" for nothing. It ends with its input, also in the
middle of a fold: its parent has gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from queue import SimpleQueue
from typing import TextIO

from mmser.cache.checked import adopt
from mmser.core.errors import MmserError
from mmser.core.trust import trust
from mmser.runs.run_paths import CHECKED
from mmser.runs.run_tables import read_json
from mmser.training.fold_training import fit_fold
from mmser.training.forks import FoldSeed


def train_one(directory: Path, fold_seed: FoldSeed, accelerator: str) -> str:
    """Train a fold; -> what went wrong, "" for nothing."""
    try:
        fit_fold(directory, *fold_seed, accelerator)
    except MmserError as problem:
        return str(problem)
    except Exception as problem:  # noqa: BLE001  # whatever it is, the parent names it
        traceback.print_exc()
        return f"{type(problem).__name__}: {problem}"
    return ""


def _read_orders(orders: SimpleQueue[FoldSeed]) -> None:
    for line in sys.stdin:
        fold, seed = json.loads(line)
        orders.put((fold, seed))
    os._exit(0)


def _own_answers() -> TextIO:
    """Where answers go: what else is printed goes to the error output."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def main(words: list[str]) -> None:
    """RUN ACCELERATOR [TRUSTED...]; it does not return."""
    directory, accelerator, *names = words
    answers = _own_answers()
    trust(*names)
    checked = Path(directory) / CHECKED
    if checked.is_file():
        adopt(read_json(checked))
    orders: SimpleQueue[FoldSeed] = SimpleQueue()
    threading.Thread(target=_read_orders, args=(orders,), daemon=True).start()
    while True:
        answer = train_one(Path(directory), orders.get(), accelerator)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

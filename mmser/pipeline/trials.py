"""A trial of a search in a process of its own, ``python -m mmser.pipeline.trials``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.trust import trust, trusted


def run_apart(words: Sequence[str], directory: Path) -> None:
    """Train the run of these words, whose folder is ``directory``, in another process.

    Raises MmserError with the last line of its errors where it failed.
    """
    request = json.dumps({"words": list(words), "trusted": trusted()})
    with subprocess.Popen(
        [sys.executable, "-m", "mmser.pipeline.trials"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stderr is None:
            raise RuntimeError("a process without pipes")
        # The pipe stays open: the trial ends when this process does.
        process.stdin.write(f"{request}\n")
        process.stdin.flush()
        last = "no message"
        for line in process.stderr:
            sys.stderr.write(line)
            last = line.strip() or last
    if process.returncode:
        raise MmserError(f"a trained run in {directory}", last, "The same command goes on.")


def _end_with_parent() -> None:
    """Wait until the pipe from the parent closes, as it does however the parent dies, and end."""
    sys.stdin.read()
    os._exit(1)


def main() -> int:
    """Train what the line on standard input asks for; 1 where that failed."""
    from mmser.pipeline.train import fit_config
    from mmser.pipeline.train_settings import train_settings

    request = json.loads(sys.stdin.readline())
    trust(*request["trusted"])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        fit_config(train_settings(request["words"]))
    except MmserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

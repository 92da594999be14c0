"""What a command of `mmser` consists of, and words and tables that several of them share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.errors import MmserError, UsageError
from mmser.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd

OVERRIDES = (
    "Hydra overrides such as corpus=meld corpus.root=DIR trainer.epochs=5; see `mmser "
    "list` for the names."
)

ON_HUB = "hf:"


@dataclass(frozen=True, slots=True)
class Command:
    """``what`` stands in `mmser --help`; ``run`` gives the exit code of the process."""

    name: str
    what: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def show(table: pd.DataFrame) -> None:
    """Print a table in full width, numbers with three decimals; "nothing" without rows.

    Absent values are a dash.
    """
    text = table.to_string(index=False, float_format=lambda x: f"{x:.3f}", na_rep="-")
    print(printable(text) if len(table) else "nothing")


def keyed(overrides: Sequence[str], allowed: Sequence[str]) -> dict[str, str]:
    """Parse KEY=VALUE words of the commands that take a few fixed keys.

    Raises UsageError on any other word.
    """
    pairs = [word.partition("=") for word in overrides]
    for word, (key, sign, _) in zip(overrides, pairs, strict=True):
        if not sign or key not in allowed:
            forms = ", ".join(f"{each}=..." for each in allowed)
            raise UsageError(f"words of the form {forms}", word, "See --help.")
    return {key: value for key, _, value in pairs}


def run_of(word: str) -> str:
    """The folder in ``run=DIR``. Raises UsageError for any other word."""
    key, sign, value = word.partition("=")
    if key != "run" or not sign or not value:
        raise UsageError("run=DIR", word, "Name the run folder, e.g. run=runs/NAME.")
    return value


def existing_run(name: str) -> str:
    """The name of a run's or a model's folder that is there, or of a repository on the hub.

    Asked before anything heavy is loaded. Raises MmserError where there is no such folder.
    """
    if not name.startswith(ON_HUB) and not Path(name).expanduser().is_dir():
        raise MmserError(
            "a run folder or a model folder",
            f"no folder {name}",
            "Name one that `mmser train` or `mmser export` made; a repository on the Hugging Face "
            f"Hub is {ON_HUB}owner/name.",
        )
    return name

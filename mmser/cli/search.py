"""`mmser search system=... corpus=... optimizer.lr=tag(log,interval(1e-5,1e-2))`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from mmser.cli.command import Command
from mmser.core.errors import UsageError
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser search`."""
    parser.add_argument(
        "overrides",
        nargs="+",
        metavar="KEY=VALUE",
        help="as of `mmser train`; those with several values are searched: KEY=a,b, "
        "KEY=interval(0.1,0.5), KEY=int(interval(1,4)), KEY=tag(log,interval(1e-5,1e-2))",
    )
    parser.add_argument("--space", metavar="FILE", help="YAML: KEY: VALUES, more of them")
    parser.add_argument("--trials", type=int, default=20, help="how many runs (20)")
    parser.add_argument("--jobs", type=int, default=1, help="trials at the same time (1)")
    parser.add_argument("--study", metavar="DIR", help="the search's folder; found by its words")
    parser.add_argument("--seed", type=int, default=0, help="of what is proposed (0)")


def run(options: argparse.Namespace) -> int:
    """Search, and print the best values and what to do with them."""
    from mmser.pipeline.search import search

    for name in ("trials", "jobs"):
        if getattr(options, name) < 1:
            raise UsageError(f"--{name} of at least 1", str(getattr(options, name)), "Correct it.")
    words = [*options.overrides, *_words_of(options.space)]
    best = search(
        *words, trials=options.trials, jobs=options.jobs, study=options.study, seed=options.seed
    )
    print(printable(f"Best validation score: {best.score:.4f}, {' '.join(_pairs(best.values))}"))
    print(printable(f"Its run: {best.directory}"))
    print(printable(f"Predict and score its test split: mmser evaluate run={best.directory}"))
    print(printable(f"Train it anew, with other seeds: {best.command}"))
    return 0


def _pairs(values: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]


def _words_of(space: str | None) -> list[str]:
    """The words of a file with a search space."""
    if space is None:
        return []
    from mmser.core.saved import read_saved_yaml

    if not Path(space).is_file():
        raise UsageError("--space FILE", f"no file {space}", "Write KEY: VALUES into it.")
    return _pairs({key: str(value) for key, value in read_saved_yaml(Path(space)).items()})


COMMAND = Command("search", "the best values of options, by the validation score", add_options, run)

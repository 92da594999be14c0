"""A newcomer's walk, from a folder of recordings to pages, by the commands of README.md alone.

    python scripts/newcomer_walk.py RECORDINGS --pattern '{emotion}_{speaker}_{n}.wav' --out walk \
        --corpora emovo=DIR emodb=DIR

manifest, explore, weights, train with a report, score, a second system compared, runs, evaluation
on the first other corpus, the cross-corpus matrix over all, a page for a few recordings and a table
of all. Prints every command with its seconds on the wall and of the processor, and writes them to
OUT/walk.csv; each command is a process of its own, so that starting counts. --weights names a
folder in place of fetching tiny.en; --system functionals_svm needs none. The same command goes on
where it was interrupted.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

SECOND = "functionals_svm"
"""The system that the first one is compared with; it needs no weights."""
PAGES = 3
"""Recordings that get a page of their own."""


@dataclass(frozen=True)
class Step:
    """One command; ``some_may_fail``: exit code 1 says that a recording could not be judged."""

    words: tuple[str, ...]
    some_may_fail: bool = False


def steps(options: argparse.Namespace, recordings: Sequence[Path]) -> Iterator[Step]:
    """The commands in their order."""
    table = options.out / "manifest.csv"
    runs = [f"run={options.out / 'runs' / name}" for name in (options.system, SECOND)]
    folders = [word.partition("=")[2] for word in runs]
    paths = [f"paths.cache={options.out / 'cache'}", f"paths.weights={options.weights}"]
    own = ["corpus=generic", f"corpus.root={table}"]
    mapped = ["--map", options.map] if options.map else []
    yield _step("manifest", options.folder, "--pattern", options.pattern, *mapped, "--skip",
                "--out", table, "--overwrite")  # fmt: skip
    yield _step("explore", *own, "--out", options.out / "explore.html")
    if options.fetch and options.system != SECOND:
        yield _step("weights", "get", "tiny.en", "--weights", options.weights)
    train = ["train", *own, *paths]
    yield _step(*train, f"system={options.system}", runs[0], "--report")
    yield _step("score", folders[0], "--explain")
    if options.system != SECOND:
        yield _step(*train, f"system={SECOND}", runs[1])
        yield _step("compare", *folders)
    yield _step("runs", options.out / "runs")
    if options.corpora:
        name, root = options.corpora[0]
        yield _step("evaluate", runs[0], f"corpus={name}", f"corpus.root={root}")
        names = ",".join(["generic", *(name for name, _ in options.corpora)])
        roots = [f"{name}.root={root}" for name, root in [("generic", table), *options.corpora]]
        yield _step("crosscorpus", f"corpora=[{names}]", *roots, *paths,
                    f"system={options.system}", f"out={options.out / 'crosscorpus'}")  # fmt: skip
    heard = ["predict", runs[0]]
    yield _step(*heard, *recordings[:PAGES], "--html", "--out", options.out / "pages")
    yield _step(*heard, table, "--table", options.out / "predictions.csv")


def _step(*words: object) -> Step:
    return Step(tuple(map(str, words)), some_may_fail=words[0] == "predict")


def walk(all_steps: Iterator[Step], command: Callable[[list[str]], int]) -> pd.DataFrame:
    """Take every step; a row each: command, seconds, processor_seconds, exit_code.

    Ends after the first that fails.
    """
    rows = []
    for step in all_steps:
        print(f"\n$ mmser {shlex.join(step.words)}", flush=True)
        start, used = time.perf_counter(), _used()
        code = command(list(step.words))
        seconds, processor = time.perf_counter() - start, _used() - used
        print(f"[{seconds:.1f} s, processor {processor:.1f} s]", flush=True)
        rows.append(
            {
                "command": f"mmser {shlex.join(step.words)}",
                "seconds": round(seconds, 1),
                "processor_seconds": round(processor, 1),
                "exit_code": code,
            }
        )
        if code and not (code == 1 and step.some_may_fail):
            break
    return pd.DataFrame(rows)


def run_command(words: list[str]) -> int:
    """`mmser` with these words, in a process of its own."""
    return subprocess.run([sys.executable, "-m", "mmser.cli", *words], check=False).returncode


def _used() -> float:
    """Seconds of the processor that this process and those it waited for took."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    usages = [resource.getrusage(kind) for kind in kinds]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(arguments: Sequence[str] | None = None, command: Callable[..., int] = run_command) -> int:
    """Walk, print the sums, write the table; the exit code is that of the last command."""
    options = parsed(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    sounds = (".wav", ".flac", ".mp3", ".mp4")
    recordings = sorted(p for p in options.folder.rglob("*") if p.suffix.lower() in sounds)
    table = walk(steps(options, recordings), command)
    table.to_csv(options.out / "walk.csv", index=False)
    minutes, busy = table["seconds"].sum() / 60, table["processor_seconds"].sum() / 60
    print(
        f"\n{len(table)} commands, {len(recordings)} recordings: {minutes:.1f} minutes, "
        f"{busy:.1f} of the processor (load {os.getloadavg()[0]:.1f}). {options.out / 'walk.csv'}"
    )
    code = int(table["exit_code"].iloc[-1])
    return code if code > 1 or not table["command"].iloc[-1].startswith("mmser predict") else 0


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pattern", default="{emotion}_{speaker}_{n}.wav")
    parser.add_argument("--map", default="", help="as of mmser manifest: joy=happy")
    parser.add_argument("--out", type=Path, default=Path("walk"))
    parser.add_argument("--system", default="statistics_svm")
    parser.add_argument("--weights", type=Path, help="where tiny.en lies already")
    parser.add_argument("--corpora", nargs="*", default=[], metavar="NAME=DIR")
    options = parser.parse_args(arguments)
    options.corpora = [tuple(word.split("=", 1)) for word in options.corpora]
    options.fetch = options.weights is None
    options.weights = options.weights or options.out / "weights"
    return options


if __name__ == "__main__":
    sys.exit(main())

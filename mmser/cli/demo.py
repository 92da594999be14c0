"""`mmser demo [out=DIR]`."""

from __future__ import annotations

import argparse

from mmser.cli.command import Command, keyed
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser demo`."""
    parser.add_argument(
        "overrides", nargs="*", metavar="out=DIR", help="where to write (default: demo)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the pipeline and print where its report lies."""
    from mmser.pipeline.demo import demonstrate

    words = keyed(options.overrides, ["out"])
    demonstration = demonstrate(words.get("out", "demo"))
    print(printable("\n".join(demonstration.closing)))
    return 0


COMMAND = Command(
    "demo",
    "eighty real clips to a score, a made video corpus through the whole pipeline",
    add_options,
    run,
)

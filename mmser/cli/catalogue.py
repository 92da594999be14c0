"""`mmser list [KIND]`."""

from __future__ import annotations

import argparse

from mmser.cli.command import Command
from mmser.core.output import columns_text
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser list`."""
    parser.add_argument(
        "kind",
        nargs="?",
        help="corpora, protocols, extractors, fusions, objectives, systems, metrics, ...",
    )


def run(options: argparse.Namespace) -> int:
    """Print the names of one kind with a line each, or the names of all kinds."""
    from mmser.catalogue import KINDS, catalogue

    if options.kind:
        print(printable(columns_text(catalogue(options.kind))))
        return 0
    for kind in KINDS:
        names = [row["name"] for row in catalogue(kind)]
        print(printable(f"{kind}: {', '.join(names) or '(none)'}"))
    return 0


COMMAND = Command("list", "what can be named in a command", add_options, run)

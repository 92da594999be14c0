"""`mmser list [KIND]`."""

from __future__ import annotations

import argparse
import textwrap

from mmser.cli.command import Command
from mmser.core.errors import UsageError
from mmser.core.output import columns_text
from mmser.core.printable import printable

WIDTH = 79
INTRODUCTION = """\
What to take first: the situation that is yours, the system under it. Measured
figures are of held-out speakers (docs/leaderboard.md); published ones are
quoted with their protocol, not obtained here."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser list`."""
    parser.add_argument(
        "kind",
        nargs="?",
        help="corpora, protocols, extractors, fusions, objectives, systems, metrics, ...",
    )
    parser.add_argument(
        "--recommended",
        action="store_true",
        help="systems: what to take first, by data and hardware",
    )


def run(options: argparse.Namespace) -> int:
    """Print the names of one kind with a line each, or the names of all kinds."""
    from mmser.catalogue import KINDS, catalogue

    if options.recommended:
        if options.kind not in (None, "systems"):
            raise UsageError("mmser list systems --recommended", options.kind, "List systems.")
        print(printable(_recommended_text()))
        return 0
    if options.kind:
        print(printable(columns_text(catalogue(options.kind))))
        return 0
    for kind in KINDS:
        names = [row["name"] for row in catalogue(kind)]
        print(printable(f"{kind}: {', '.join(names) or '(none)'}"))
    return 0


def _recommended_text() -> str:
    """Blocks of a terminal's width, the smallest need first."""
    from mmser.catalogue import recommended

    blocks = [INTRODUCTION]
    for row in recommended():
        told = [wrapped(row[name], f"  {name:<10}") for name in ("system", "measured", "needs")]
        blocks.append("\n".join([row["situation"], *told]))
    blocks.append("All systems: mmser list systems. Weights: mmser weights.")
    return "\n\n".join(blocks)


def wrapped(text: str, start: str) -> str:
    """The text behind ``start``, its further lines under its first word."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


COMMAND = Command("list", "what can be named in a command", add_options, run)

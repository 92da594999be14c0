"""`mmser list [KIND]`, `mmser show [KIND] NAME`."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence

from mmser.cli.command import Command
from mmser.core.errors import UsageError
from mmser.core.output import columns_text
from mmser.core.printable import printable

WIDTH = 79
MODALITIES = ("audio", "text", "face")
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
    parser.add_argument(
        "--modality",
        action="append",
        choices=MODALITIES,
        help="systems: those of exactly this modality; may be repeated",
    )
    parser.add_argument(
        "--wide", action="store_true", help="every column, one line a name (as into a pipe)"
    )


def run(options: argparse.Namespace) -> int:
    """Print the names of one kind with a line each, or the names of all kinds."""
    from mmser.catalogue.lists import KINDS, catalogue, modalities

    if (options.recommended or options.modality) and options.kind not in (None, "systems"):
        raise UsageError("the kind systems for this option", options.kind, "List systems.")
    wanted = sorted(set(options.modality or ()))
    if options.recommended:
        print(printable(_recommended_text(wanted)))
        return 0
    if options.kind or wanted:
        kind = options.kind or "systems"
        rows = catalogue(kind)
        if wanted:
            rows = [row for row in rows if modalities(row["name"]) == wanted]
        narrow = sys.stdout.isatty() and not options.wide
        print(printable(_narrow(rows) if narrow else columns_text(rows)))
        return 0
    for kind in KINDS:
        names = [row["name"] for row in catalogue(kind)]
        print(printable(f"{kind}: {', '.join(names) or '(none)'}"))
    return 0


def _narrow(rows: Sequence[Mapping[str, str]]) -> str:
    """Names and descriptions within the terminal's width."""
    columns = max(40, shutil.get_terminal_size().columns)
    start = min(max((len(row["name"]) for row in rows), default=0), columns // 3) + 2
    lines = []
    for row in rows:
        name, place = row["name"].ljust(start), " " * start
        if len(name) > start:  # a long name has a line of its own
            lines.append(name)
            name = place
        lines.append(
            textwrap.fill(row["what"], columns, initial_indent=name, subsequent_indent=place)
        )
    return "\n".join(lines) or "(none)"


def _recommended_text(wanted: Sequence[str]) -> str:
    """Blocks of a terminal's width, the smallest need first."""
    from mmser.catalogue.lists import modalities, recommended

    blocks = [INTRODUCTION]
    for row in recommended():
        if wanted and modalities(row["system"].split()[0]) != wanted:
            continue
        told = [wrapped(row[name], f"  {name:<10}") for name in ("system", "measured", "needs")]
        blocks.append("\n".join([row["situation"], *told]))
    blocks.append("All systems: mmser list systems. Weights: mmser weights.")
    return "\n\n".join(blocks)


def wrapped(text: str, start: str, width: int = WIDTH) -> str:
    """The text behind ``start``, its further lines under its first word."""
    return textwrap.fill(
        text,
        width,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def add_show_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser show`."""
    parser.add_argument("words", nargs="+", metavar="[KIND] NAME", help="e.g. system mcsan")


def show_entry(options: argparse.Namespace) -> int:
    """Print all about one name of the registry."""
    from mmser.catalogue.sheet import kind_of, sheet

    if len(options.words) > 2:
        raise UsageError("mmser show [KIND] NAME", " ".join(options.words), "Name one.")
    name = options.words[-1]
    kind = options.words[0] if len(options.words) == 2 else kind_of(name)
    width = max(60, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 100
    blocks = []
    for title, lines in sheet(kind, name):
        longest = max((len(label) for label, _ in lines), default=0)
        told = [wrapped(text, f"  {label:<{longest}}  ", width) for label, text in lines]
        blocks.append("\n".join([title, *told]))
    print(printable("\n\n".join(blocks)))
    return 0


COMMAND = Command("list", "what can be named in a command", add_options, run)
SHOW = Command("show", "all about one system, extractor, ...", add_show_options, show_entry)

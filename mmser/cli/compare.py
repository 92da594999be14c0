"""`mmser compare RUN... [--published SYSTEM]`."""

from __future__ import annotations

import argparse

from mmser.cli.command import Command
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser compare`."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, or predictions tables")
    parser.add_argument(
        "--metric",
        help="a name of `mmser list metrics`, such as wa or ccc_valence (default: ua, or a ccc)",
    )
    parser.add_argument("--condition", default="clean", help="default: clean")
    parser.add_argument(
        "--published", metavar="SYSTEM", help="set the runs beside this system's published figures"
    )


def run(options: argparse.Namespace) -> int:
    """Print the tests between the runs, and what was published."""
    from mmser.evaluation.scoring.compare import compare
    from mmser.evaluation.scoring.comparison_text import compare_text
    from mmser.evaluation.scoring.published import beside_published, published_text

    parts = []
    if len(options.runs) > 1 or not options.published:
        parts.append(compare_text(compare(options.runs, options.metric, options.condition)))
    if options.published:
        parts += [
            f"{run}\n{published_text(*beside_published(run, options.published))}"
            for run in options.runs
        ]
    print(printable("\n\n".join(parts)))
    return 0


COMMAND = Command(
    "compare", "paired tests between runs, and the literature's figures beside", add_options, run
)

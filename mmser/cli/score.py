"""`mmser score TABLE...`."""

from __future__ import annotations

import argparse

from mmser.cli.command import Command
from mmser.cli.scores import print_scores
from mmser.core.disk import full_disk_named
from mmser.core.printable import without_formulas


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser score`."""
    parser.add_argument(
        "tables", nargs="+", metavar="TABLE", help="a run folder, a predictions table or a csv"
    )
    parser.add_argument("--out", help="also write the scores to this csv")
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="CLASS",
        help="score without these targets as well",
    )


def run(options: argparse.Namespace) -> int:
    """Print the scores, and write them where that is asked for."""
    table = print_scores(options.tables, options.without)
    if options.out:
        with full_disk_named(options.out):
            without_formulas(table).to_csv(options.out, index=False)
    return 0


COMMAND = Command(
    "score", "metrics of runs or of anyone's predictions (csv or parquet)", add_options, run
)

"""`mmser score TABLE...`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmser.cli.command import Command
from mmser.cli.scores import add_explain, print_groups, print_scores
from mmser.core.disk import full_disk_named
from mmser.core.errors import UsageError
from mmser.core.printable import printable, without_formulas


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser score`."""
    parser.add_argument(
        "tables", nargs="+", metavar="TABLE", help="a run folder, a predictions table or a csv"
    )
    parser.add_argument("--out", help="also write the scores to this csv")
    parser.add_argument(
        "--groups",
        metavar="CSV",
        help="also write the scores and gaps by gender, language and age group",
    )
    parser.add_argument(
        "--submission",
        metavar="FILE",
        help="instead of scores, write the csv of the MSP-Podcast challenges from one table",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="CLASS",
        help="score without these targets as well",
    )
    add_explain(parser)


def run(options: argparse.Namespace) -> int:
    """Print the scores, and write them where that is asked for; or write a challenge's file."""
    if options.submission:
        return _hand_in(options.tables, options.submission)
    table = print_scores(options.tables, options.without, options.explain)
    groups = print_groups(options.tables)
    if options.groups:
        with full_disk_named(options.groups):
            without_formulas(groups).to_csv(options.groups, index=False)
    if options.out:
        with full_disk_named(options.out):
            without_formulas(table).to_csv(options.out, index=False)
    return 0


def _hand_in(tables: Sequence[str], out: str) -> int:
    from mmser.evaluation.byproducts.msp_submission import submission
    from mmser.metrics.predictions import read_predictions

    if len(tables) != 1:
        raise UsageError("one table to hand in", f"{len(tables)}", "Fuse several first.")
    rows = submission(read_predictions(tables[0], unlabelled=True))
    with full_disk_named(out):
        rows.to_csv(out, index=False)
    print(printable(f"{len(rows)} utterances: {out}"))
    return 0


COMMAND = Command(
    "score", "metrics of runs or of anyone's predictions (csv or parquet)", add_options, run
)

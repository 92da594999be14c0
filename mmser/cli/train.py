"""`mmser train system=... corpus=...`."""

from __future__ import annotations

import argparse

from mmser.cli.command import OVERRIDES, Command
from mmser.cli.report import write_report
from mmser.cli.scores import add_explain, print_scores
from mmser.core.printable import printable
from mmser.core.verbosity import verbose


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser train`."""
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help=OVERRIDES)
    parser.add_argument(
        "--config", help="a saved run's config.yaml to repeat; overrides still apply"
    )
    parser.add_argument(
        "--multirun", "-m", action="store_true", help="sweep: KEY=a,b runs every combination"
    )
    parser.add_argument("--report", action="store_true", help="write the HTML report as well")
    parser.add_argument("--verbose", "-v", action="store_true", help="print a line per epoch")
    add_explain(parser)


def run(options: argparse.Namespace) -> int:
    """Train, print the scores and where the run lies."""
    from mmser.pipeline.fold_option import split_share
    from mmser.pipeline.train import is_first_process, sweep, train

    with verbose(options.verbose):
        if options.multirun:
            sweep(options.overrides)
            return 0
        trained = train(*options.overrides, config=options.config)
    if not is_first_process(trained.settings):
        return 0
    if split_share(options.overrides)[0] is not None:
        print(printable(f"Run: {trained.directory}, this share of its folds is trained."))
        print(printable(f"After the last share: mmser evaluate run={trained.directory}"))
        return 0
    print_scores(trained.directory, explain=options.explain)
    print(printable(f"Run: {trained.directory}"))
    if options.report:
        write_report([trained.directory])
    return 0


COMMAND = Command("train", "train a system over folds and seeds, then score it", add_options, run)

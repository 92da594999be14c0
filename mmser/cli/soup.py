"""`mmser soup run=DIR --out DIR`."""

from __future__ import annotations

import argparse

from mmser.cli.command import Command, run_of
from mmser.cli.scores import add_explain, print_scores
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser soup`."""
    parser.add_argument(
        "run", metavar="run=DIR", help="a run of several seeds with trainer.first_seed"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder of the new run")
    add_explain(parser)


def run(options: argparse.Namespace) -> int:
    """Average the seeds, predict the test splits and print the scores."""
    from mmser.evaluation.evaluate import evaluate
    from mmser.training.run import Run
    from mmser.training.soup import soup

    averaged = soup(Run(run_of(options.run)), options.out)
    print_scores(evaluate(averaged), explain=options.explain)
    print(printable(f"Run: {averaged.directory}"))
    return 0


COMMAND = Command("soup", "one model of a run's seeds: their weights averaged", add_options, run)

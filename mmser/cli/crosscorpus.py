"""`mmser crosscorpus corpora=[...] system=...`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmser.cli.command import Command
from mmser.core.errors import UsageError
from mmser.core.printable import printable

OWN = ("corpora=", "classes=", "out=")
PICTURE = "crosscorpus.svg"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser crosscorpus`."""
    parser.add_argument(
        "overrides",
        nargs="+",
        metavar="KEY=VALUE",
        help="corpora=[A,B,...] A.root=DIR B.root=DIR [A.protocol=P] [classes=[angry,sad]] "
        "[out=DIR], and words of mmser train for all runs, such as system=statistics_svm; a table "
        "of your own may have any name",
    )
    parser.add_argument("--metric", default="ua", help="of the printed matrix (default: ua)")


def run(options: argparse.Namespace) -> int:
    """Train and evaluate; print the matrix of one metric, write that of all."""
    from mmser.composition.words import listed
    from mmser.metrics.table import METRICS
    from mmser.pipeline.cross_corpus import cross_corpus, write_matrix
    from mmser.reports.matrix import draw_matrix, matrix_text

    corpora = listed(options.overrides, "corpora")
    if not corpora:
        raise UsageError("corpora=[A,B]", "none", "Name them; `mmser list corpora` prints all.")
    if options.metric not in METRICS:
        raise UsageError(f"--metric among {', '.join(METRICS)}", options.metric, "Name one.")
    words = [word for word in options.overrides if not word.startswith(OWN)]
    outs = [word.removeprefix("out=") for word in options.overrides if word.startswith("out=")]
    folder = Path(outs[-1] if outs else "crosscorpus")
    table = cross_corpus(corpora, words, listed(options.overrides, "classes"))
    print(printable(matrix_text(table, options.metric)))
    file = write_matrix(table, folder)
    draw_matrix(table, options.metric, folder / PICTURE)
    print(
        printable(
            "\nOn the diagonal: a corpus's own test splits, by models of other folds. Elsewhere "
            "the models of all folds vote, and no label of the tested corpus was seen.\n"
            f"All metrics: {file}. Picture: {folder / PICTURE}"
        )
    )
    return 0


COMMAND = Command("crosscorpus", "each corpus trains, every other one tests", add_options, run)

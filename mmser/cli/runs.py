"""`mmser runs [FOLDER]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmser.cli.command import Command
from mmser.core.errors import UsageError
from mmser.core.output import columns_text
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser runs`."""
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs"), help="default: runs")
    parser.add_argument("--sort", choices=["score", "name", "date"], default="score")
    parser.add_argument("--metric", help="the score that is shown (default: the main one)")


def run(options: argparse.Namespace) -> int:
    """Print a row per run."""
    from mmser.metrics.table import METRICS
    from mmser.reports.run_table import list_runs

    if options.metric is not None and options.metric not in METRICS:
        raise UsageError(f"--metric among {', '.join(METRICS)}", options.metric, "Name one.")
    print(printable(columns_text(list_runs(options.folder, options.sort, options.metric))))
    return 0


COMMAND = Command("runs", "every run below a folder, with its scores", add_options, run)

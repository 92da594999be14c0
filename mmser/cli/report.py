"""`mmser report RUN...`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cli.command import Command
from mmser.core.printable import printable

if TYPE_CHECKING:
    from mmser.reports.projections import Projection


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser report`."""
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument(
        "--out",
        default=None,
        help="the file to write (default: report.html in the run; of several, comparison.html "
        "beside the first)",
    )
    parser.add_argument(
        "--no-recordings",
        action="store_true",
        help="neither sound nor links to it: a page to pass on where the corpus may not be",
    )
    parser.add_argument(
        "--umap", action="store_true", help="maps of the vectors by UMAP (extra umap), not by PCA"
    )


def run(options: argparse.Namespace) -> int:
    """Write the report and print where it lies."""
    folders = [Path(folder) for folder in options.runs]
    projection: Projection = "umap" if options.umap else "pca"
    write_report(folders, options.out, not options.no_recordings, projection)
    return 0


def write_report(
    runs: list[Path],
    out: str | None = None,
    recordings: bool = True,
    projection: Projection = "pca",
) -> None:
    """The report of ``runs``, into ``out``, or into the run, or beside the first of several.

    A page about several does not replace the first one's own.
    """
    from mmser.reports.report import report

    place = runs[0] / "report.html" if len(runs) == 1 else runs[0] / ".." / "comparison.html"
    path = report(runs, Path(out) if out else Path(os.path.normpath(place)), recordings, projection)
    print(printable(f"Report: {path}"))


COMMAND = Command("report", "one self-contained HTML file for one or more runs", add_options, run)

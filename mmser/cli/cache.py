"""`mmser cache verify|info|gc|merge DIR`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mmser.cli.command import Command, show

if TYPE_CHECKING:
    import pandas as pd


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser cache`."""
    parser.add_argument("action", choices=["verify", "info", "gc", "merge"])
    parser.add_argument("directory")
    parser.add_argument("--apply", action="store_true", help="gc: really remove what is listed")
    parser.add_argument(
        "--old", action="store_true", help="gc: also all but the newest store of each extractor"
    )
    parser.add_argument(
        "--unfinished", action="store_true", help="gc: also what interrupted jobs would go on with"
    )


def run(options: argparse.Namespace) -> int:
    """Print what was found; the exit code of `verify` is 1 when anything is damaged."""
    table, is_well = _table(options)
    show(table)
    return int(not is_well)


def _table(options: argparse.Namespace) -> tuple[pd.DataFrame, bool]:
    """What is printed, and whether all is well: `verify` alone can say no."""
    from mmser.cache import maintenance

    if options.action == "gc":
        return maintenance.gc(
            options.directory, options.apply, options.old, options.unfinished
        ), True
    if options.action == "merge":
        from mmser.extraction.merge import merge

        return merge(options.directory), True
    if options.action == "info":
        return maintenance.info(options.directory), True
    table = maintenance.verify(options.directory)
    return table, bool(table["ok"].all())


COMMAND = Command("cache", "verify, describe, clean or merge caches", add_options, run)

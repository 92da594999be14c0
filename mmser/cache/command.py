"""Options and tables of `mmser cache`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def add_cache_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser cache`."""
    parser.add_argument("action", choices=["verify", "info", "gc"])
    parser.add_argument("directory")
    parser.add_argument("--apply", action="store_true", help="gc: really remove what is listed")
    parser.add_argument(
        "--old", action="store_true", help="gc: also all but the newest store of each extractor"
    )
    parser.add_argument(
        "--unfinished", action="store_true", help="gc: also what interrupted jobs would go on with"
    )


def cache(options: argparse.Namespace) -> tuple[pd.DataFrame, bool]:
    """What `mmser cache` prints, and whether all is well: `verify` alone can say no."""
    from mmser.cache import maintenance

    if options.action == "gc":
        return maintenance.gc(
            options.directory, options.apply, options.old, options.unfinished
        ), True
    if options.action == "info":
        return maintenance.info(options.directory), True
    table = maintenance.verify(options.directory)
    return table, bool(table["ok"].all())

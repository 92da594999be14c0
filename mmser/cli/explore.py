"""`mmser explore corpus=...`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmser.cli.command import Command
from mmser.core.errors import UsageError
from mmser.core.printable import printable

MOST = 2000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser explore`."""
    parser.add_argument(
        "overrides",
        nargs="+",
        metavar="KEY=VALUE",
        help="corpus=NAME [corpus.root=DIR] [protocol=NAME] [labels={joy: happy}]",
    )
    parser.add_argument(
        "--out", metavar="FILE", default="explore.html", help="(default: explore.html)"
    )
    parser.add_argument(
        "--most",
        metavar="N",
        type=int,
        default=MOST,
        help=f"utterances whose sound is heard, drawn at random (default: {MOST})",
    )
    parser.add_argument(
        "--features",
        metavar="NAME",
        default="",
        help="features in the cache by which outliers are told",
    )
    parser.add_argument("--all", action="store_true", help="hear every utterance")


def run(options: argparse.Namespace) -> int:
    """Write the page and print where it lies."""
    if options.most < 1:
        raise UsageError("one utterance or more for --most", str(options.most), "Change it.")
    from mmser.core.paths import expanded
    from mmser.pipeline.explore import explore

    most = None if options.all else options.most
    path = explore(options.overrides, expanded(Path(options.out)), most, features=options.features)
    print(printable(f"Page: {path}"))
    return 0


COMMAND = Command(
    "explore", "one page about a corpus before training: counts, sound, faults", add_options, run
)

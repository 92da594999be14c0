"""`mmser weights`, `mmser weights get NAME...`."""

from __future__ import annotations

import argparse

from mmser.cli.command import Command, keyed
from mmser.core.errors import UsageError
from mmser.core.output import columns_text
from mmser.core.printable import printable

FOLDER = "paths.weights"
"""The word by which other commands name the folder of all weights."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser weights`."""
    parser.add_argument("action", nargs="?", choices=["list", "get"], default="list")
    parser.add_argument(
        "names", nargs="*", help="get: names that the list shows, or hub ids (owner/name@commit)"
    )
    parser.add_argument("--weights", default="weights", help="the folder of all weights")


def run(options: argparse.Namespace) -> int:
    """Print the table of weights, or place each named one and print where it lies."""
    from pathlib import Path

    from mmser.core.weights import Weights
    from mmser.weights.demand import weights_table
    from mmser.weights.placing import place, source_named

    words = [word for word in options.names if "=" in word]
    names = [word for word in options.names if "=" not in word]
    folder = Path(keyed(words, [FOLDER]).get(FOLDER, options.weights))
    if options.action == "list":
        print(printable(columns_text(weights_table(folder))))
        return 0
    if not names:
        raise UsageError("names of weights to get", "none", "Run `mmser weights` for the names.")
    hub_ids = [name for name in names if "/" in name]
    for name in names:
        if name not in hub_ids:
            source_named(name)  # a wrong name is told before anything is fetched
    for name in names:
        source, _, revision = name.partition("@")
        if name in hub_ids:
            path = Weights(source, revision or None, str(folder)).path
        else:
            path = place(name, folder, every_form=True)
        print(printable(f"{name}: {path}"), flush=True)
    return 0


COMMAND = Command("weights", "list pretrained weights, place small real ones", add_options, run)

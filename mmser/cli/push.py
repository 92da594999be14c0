"""`mmser push FOLDER OWNER/NAME`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmser.cli.command import Command
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser push`."""
    parser.add_argument("folder", metavar="FOLDER", help="a model folder, from `mmser export`")
    parser.add_argument(
        "name", metavar="OWNER/NAME", help="the repository; made where there is none"
    )
    parser.add_argument("--private", action="store_true", help="make it private")
    parser.add_argument("--message", help="of the commit")


def run(options: argparse.Namespace) -> int:
    """Upload the folder and print its address."""
    from mmser.sharing.push import push

    address = push(Path(options.folder), options.name, options.private, options.message)
    print(printable(f"Pushed: {address}\nRead it by: mmser predict run=hf:{options.name} CLIP"))
    return 0


COMMAND = Command("push", "a model folder onto the Hugging Face Hub", add_options, run)

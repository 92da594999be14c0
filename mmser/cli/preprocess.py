"""`mmser preprocess corpus=... extractors=[...]`."""

from __future__ import annotations

import argparse

from mmser.cli.command import OVERRIDES, Command, show


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser preprocess`."""
    parser.add_argument("overrides", nargs="+", metavar="KEY=VALUE", help=OVERRIDES)


def run(options: argparse.Namespace) -> int:
    """Fill the caches and print a row per extractor."""
    from mmser.pipeline.preprocess import preprocess_config

    show(preprocess_config(options.overrides))
    return 0


COMMAND = Command("preprocess", "videos -> modality caches, once", add_options, run)

"""`mmser ablate run=DIR [--train] [--rates ...] [--vary KEY=A,B]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmser.cli.command import Command, run_of
from mmser.core.errors import UsageError
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser ablate`."""
    parser.add_argument("run", metavar="run=DIR")
    parser.add_argument(
        "--train", action="store_true", help="also train again with every smaller subset (costs)"
    )
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[], help="random absence per utterance, 0 to 1"
    )
    parser.add_argument("--draws", type=int, default=3, help="of random absence (default: 3)")
    parser.add_argument(
        "--remedy", type=float, help="also train again with modality dropout of this probability"
    )
    parser.add_argument(
        "--vary",
        nargs="+",
        default=[],
        metavar="KEY=A,B",
        help="also train again: fusion=concat,gated trainer.epochs=5,9",
    )


def run(options: argparse.Namespace) -> int:
    """Print the grid of scores."""
    from mmser.evaluation.stress.ablation import ablate, grid_text

    folder, vary = run_of(options.run), _varied(options.vary)
    grid = ablate(folder, options.train, options.rates, options.draws, options.remedy, vary)
    print(printable(grid_text(grid)))
    return 0


def _varied(words: Sequence[str]) -> dict[str, list[str]]:
    pairs = [word.partition("=") for word in words]
    vary = {key: value.split(",") for key, _, value in pairs}
    if not all(key and all(values) for key, values in vary.items()):
        raise UsageError("--vary KEY=A,B", " ".join(words), "Name a key and its values.")
    return vary


COMMAND = Command(
    "ablate", "modalities taken away, at test and training time; parts exchanged", add_options, run
)

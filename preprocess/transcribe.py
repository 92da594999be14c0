"""Run an ASR system over a corpus and cache its words, with times and confidences."""

from __future__ import annotations

import argparse
from pathlib import Path

from hydra.utils import instantiate

from mmser.composition import compose
from mmser.core.errors import MmserError
from mmser.extraction.preprocess import preprocess


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="name of the corpus, see `mmser list corpora`")
    parser.add_argument("root", help="its folder")
    parser.add_argument("transcriber", help="name of the ASR system, see `mmser list transcribers`")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="such as transcriber.model=base"
    )
    parser.add_argument("--cache", default="cache", help="the cache folder (default: cache)")
    parser.add_argument("--workers", type=int, default=2, help="decoding processes (default: 2)")
    options = parser.parse_args()
    try:
        words = [
            f"corpus={options.corpus}",
            f"corpus.root={options.root}",
            f"+transcriber={options.transcriber}",
        ]
        config = compose("preprocess", [*words, *options.overrides])
        table = preprocess(
            instantiate(config["corpus"]),
            {},
            Path(options.cache),
            transcriber=instantiate(config["transcriber"]),
            transcript=options.transcriber,
            workers=options.workers,
        )
        print(table.to_string(index=False))
    except MmserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()

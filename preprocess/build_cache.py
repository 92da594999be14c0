"""Turn a corpus into feature caches: `mmser preprocess` as a script."""

from __future__ import annotations

import argparse

from mmser.core.errors import MmserError
from mmser.pipeline.preprocess import preprocess


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="name of the corpus, see `mmser list corpora`")
    parser.add_argument("root", help="its folder")
    parser.add_argument("extractors", nargs="+", help="names, see `mmser list extractors`")
    parser.add_argument(
        "--transcript", default="corpus", help="corpus, or the name of an ASR system"
    )
    parser.add_argument("--cache", default="cache", help="the cache folder (default: cache)")
    parser.add_argument(
        "--weights",
        help="`random` runs pretrained extractors without their weights, marked as such",
    )
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="further settings, workers=4"
    )
    options = parser.parse_args()
    try:
        table = preprocess(
            options.corpus,
            options.extractors,
            root=options.root,
            transcript=options.transcript,
            cache=options.cache,
            weights=options.weights,
            overrides=options.set,
        )
        print(table.to_string(index=False))
    except MmserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()

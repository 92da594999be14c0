"""Cut a corpus's recordings into one wav (and mp4) per utterance: a generic corpus in a folder of
its own.
"""

from __future__ import annotations

import argparse

from hydra.utils import instantiate

from mmser.composition import compose
from mmser.core.errors import MmserError
from mmser.extraction.clip_files import segment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="name of the corpus, see `mmser list corpora`")
    parser.add_argument("root", help="its folder")
    parser.add_argument("out", help="the folder to write; use it as corpus=generic corpus.root=OUT")
    parser.add_argument(
        "--frame-rate",
        type=float,
        help="pictures per second of the mp4 files (default: sound only)",
    )
    parser.add_argument("--workers", type=int, default=2, help="decoding processes (default: 2)")
    options = parser.parse_args()
    try:
        config = compose("preprocess", [f"corpus={options.corpus}", f"corpus.root={options.root}"])
        failed = segment(
            instantiate(config["corpus"]), options.out, options.frame_rate, options.workers
        )
        print(
            failed.to_string(index=False)
            if len(failed)
            else f"Nothing failed. Corpus: {options.out}"
        )
    except MmserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()

"""Write the speaker's face of every utterance as a small mp4, beside its sound: a generic corpus of
its own.
"""

from __future__ import annotations

import argparse

from hydra.utils import instantiate

from mmser.composition import compose
from mmser.core.errors import MmserError
from mmser.extraction.clip_files import crop_faces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", help="name of the corpus, see `mmser list corpora`")
    parser.add_argument("root", help="its folder")
    parser.add_argument("out", help="the folder to write; use it as corpus=generic corpus.root=OUT")
    parser.add_argument(
        "--size", type=int, default=224, help="side of the pictures, pixels (default: 224)"
    )
    parser.add_argument(
        "--margin", type=float, default=0.3, help="round the box, part of its longer side"
    )
    parser.add_argument("--workers", type=int, default=2, help="decoding processes (default: 2)")
    options = parser.parse_args()
    try:
        config = compose("preprocess", [f"corpus={options.corpus}", f"corpus.root={options.root}"])
        corpus = instantiate(config["corpus"])
        failed = crop_faces(corpus, options.out, options.size, options.margin, options.workers)
        print(
            failed.to_string(index=False)
            if len(failed)
            else f"Nothing failed. Corpus: {options.out}"
        )
    except MmserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()

"""Turn features that others have made (.npy, .npz, a csv per recording) into a cache that any
system's stream can read.

preprocess/import_features.py sewa DIR egemaps_avec DIR/audio_features_egemaps --modality audio
preprocess/import_features.py sewa DIR traces DIR/labels --modality labels
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from mmser.composition import compose
from mmser.core.errors import MmserError
from mmser.extraction.array_files import read_arrays, read_exported
from mmser.extraction.import_features import import_features
from mmser.extraction.track_files import read_tracks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="name of the corpus, see `mmser list corpora`")
    parser.add_argument("root", help="its folder (its table, for corpus generic)")
    parser.add_argument("name", help="name of the cache; use it as streams.<stream>.extractor=NAME")
    parser.add_argument(
        "files",
        nargs="+",
        help="folder of <id>.npy or of name;timestamp;f1;... csv, what mmser export-features "
        "wrote, a dataset of Hugging Face, .npz by id, or rows (see --ids)",
    )
    parser.add_argument(
        "--array",
        help="the array in the .npz whose rows are utterances, or the column of a dataset",
    )
    parser.add_argument(
        "--ids", nargs="+", help="one csv per file: the utterance of each row, in order"
    )
    parser.add_argument("--id-column", default="id", help="column of these csv files (default: id)")
    parser.add_argument("--modality", choices=["audio", "text", "face", "labels"], required=True)
    parser.add_argument(
        "--frame-rate", type=float, help="steps per second (default: the steps have no times)"
    )
    parser.add_argument("--cache", default="cache", help="the cache folder (default: cache)")
    options = parser.parse_args()
    tables = options.ids or [None] * len(options.files)
    if len(tables) != len(options.files):
        parser.error("--ids needs one csv per file")
    try:
        arrays: dict[str, Any] = {}
        for path, ids in zip(options.files, tables, strict=True):
            exported = None if ids else read_exported(Path(path), options.array)
            if exported is not None:
                arrays |= exported
            elif ids is None and any(Path(path).glob("*.csv")):
                arrays |= read_tracks(path)
            else:
                arrays |= read_arrays(path, options.array, ids, options.id_column)
        config = compose("preprocess", [f"corpus={options.corpus}", f"corpus.root={options.root}"])
        corpus = instantiate(config["corpus"])
        table = import_features(
            corpus,
            options.name,
            arrays,
            options.cache,
            options.modality,
            frame_rate=options.frame_rate,
        )
        print(table.to_string(index=False))
    except MmserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()

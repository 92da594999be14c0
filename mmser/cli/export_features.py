"""`mmser export-features run=DIR|store=DIR [of=vector|STREAM] [...] [--format npy|datasets]`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cli.command import Command, keyed
from mmser.core.errors import UsageError
from mmser.core.printable import printable

if TYPE_CHECKING:
    from mmser.extraction.exported import Exported

KEYS = ("run", "store", "of", "name", "fold", "seed", "others", "cache", "out")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser export-features`."""
    words = (
        "run=DIR; of=vector (fused, the default) or a stream's name (its encoder's steps); "
        "fold=NAME: one fold's model for all its utterances (default: each by the fold that tests "
        "it); seed=K or all (side by side); others=true: also what no fold tests; name=NAME of the "
        "store; cache=DIR (default: the run's); out=DIR for the table (default: in the run); or "
        "store=CACHE/CORPUS/EXTRACTOR out=DIR: features of a cache as they are"
    )
    parser.add_argument("overrides", nargs="+", metavar="KEY=VALUE", help=words)
    parser.add_argument(
        "--format",
        choices=["npy", "datasets"],
        help="for use elsewhere: a folder of .npy files with a table, or a Hugging Face dataset "
        "(load_from_disk), in place of the store and its table",
    )


def run(options: argparse.Namespace) -> int:
    """Write the store and the table, or the named format, and print where they lie."""
    words = keyed(options.overrides, KEYS)
    if "store" in words:
        return _of_store(words, options.format)
    from mmser.core.clip import Features
    from mmser.evaluation.byproducts.vectors import (
        ALL,
        VECTOR,
        Request,
        run_vectors,
        store_vectors,
        write_vectors,
    )
    from mmser.extraction.exported import Exported, with_facts
    from mmser.training.run import Run

    if not words.get("run"):
        raise UsageError("run=DIR", "no run", "Name the run folder, e.g. run=runs/NAME.")
    trained = Run(words["run"])
    seed, of, fold = words.get("seed"), words.get("of", VECTOR), words.get("fold")
    request = Request(of, fold, seed if seed in (None, ALL) else _number(seed), _others(words))
    vectors = run_vectors(trained, request)
    name = words.get("name") or _name(trained.name, of, fold)
    cache = Path(words.get("cache") or trained.settings.cache)
    folder = Path(words.get("out") or trained.directory / "features" / name)
    if options.format:
        table = with_facts(vectors.table, trained.manifest)
        exported = Exported(table, lambda name: Features(vectors.arrays[name]))
        _write(exported, options.format, folder / options.format)
        return 0
    files = write_vectors(vectors, folder)
    stores = store_vectors(trained, vectors, name, cache, of)
    splits = vectors.table["split"].value_counts().to_dict()
    counts = ", ".join(f"{count} {split}" for split, count in splits.items())
    folds = vectors.table["fold"].nunique()
    lines = [f"{len(vectors.table)} utterances ({counts}) of {folds} fold{'s' * (folds > 1)}"]
    lines += [f"Table: {files[0]} with {files[1].name}"]
    lines += [f"Store: {store} (streams.NAME.extractor={name})" for store in stores]
    print(printable("\n".join(lines)))
    return 0


def _of_store(words: dict[str, str], format_name: str | None) -> int:
    """Write the features of a store of the cache."""
    from mmser.cache.find import find_store
    from mmser.core.paths import expanded
    from mmser.extraction.exported import of_store

    wrong = sorted(set(words) - {"store", "out"})
    if wrong or not words.get("out") or format_name is None:
        raise UsageError(
            "store=CACHE/CORPUS/EXTRACTOR out=DIR --format npy|datasets",
            f"{wrong[0]}=" if wrong else "no out=" if not words.get("out") else "no --format",
            "See --help.",
        )
    place = expanded(words["store"])
    directory = find_store(place.parent.parent, place.parent.name, place.name)
    _write(of_store(directory), format_name, expanded(words["out"]))
    return 0


def _write(exported: Exported, format_name: str, folder: Path) -> None:
    from mmser.extraction.exported import write_dataset, write_npy

    {"npy": write_npy, "datasets": write_dataset}[format_name](exported, folder)
    print(printable(f"{len(exported.table)} utterances: {folder}"))


def _number(seed: str | None) -> int:
    if not str(seed).isdigit():
        raise UsageError("seed=K, a whole number, or seed=all", str(seed), "Correct it.")
    return int(str(seed))


def _others(words: dict[str, str]) -> bool:
    value = words.get("others", "false")
    if value not in ("true", "false"):
        raise UsageError("others=true or others=false", value, "Correct it.")
    return value == "true"


def _name(run: str, of: str, fold: str | None) -> str:
    """A plain word: a hyphen would begin a fingerprint."""
    return re.sub(r"\W+", "_", "_".join(filter(None, (run, of, fold))))


COMMAND = Command(
    "export-features",
    "vectors of a run's trained models, clean by fold, as a cache",
    add_options,
    run,
)

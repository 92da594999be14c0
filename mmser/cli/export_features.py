"""`mmser export-features run=DIR [of=vector|STREAM] [fold=NAME] [seed=K|all] [out=DIR]`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from mmser.cli.command import Command, keyed
from mmser.core.errors import UsageError
from mmser.core.printable import printable

KEYS = ("run", "of", "name", "fold", "seed", "others", "cache", "out")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser export-features`."""
    words = (
        "run=DIR; of=vector (fused, the default) or a stream's name (its encoder's steps); "
        "fold=NAME: one fold's model for all its utterances (default: each by the fold that tests "
        "it); seed=K or all (side by side); others=true: also what no fold tests; name=NAME of the "
        "store; cache=DIR (default: the run's); out=DIR for the table (default: in the run)"
    )
    parser.add_argument("overrides", nargs="+", metavar="KEY=VALUE", help=words)


def run(options: argparse.Namespace) -> int:
    """Write the store and the table, and print where they lie."""
    from mmser.evaluation.byproducts.vectors import (
        ALL,
        VECTOR,
        Request,
        run_vectors,
        store_vectors,
        write_vectors,
    )
    from mmser.training.run import Run

    words = keyed(options.overrides, KEYS)
    if not words.get("run"):
        raise UsageError("run=DIR", "no run", "Name the run folder, e.g. run=runs/NAME.")
    trained = Run(words["run"])
    seed, of, fold = words.get("seed"), words.get("of", VECTOR), words.get("fold")
    request = Request(of, fold, seed if seed in (None, ALL) else _number(seed), _others(words))
    vectors = run_vectors(trained, request)
    name = words.get("name") or _name(trained.name, of, fold)
    cache = Path(words.get("cache") or trained.settings.cache)
    folder = Path(words.get("out") or trained.directory / "features" / name)
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

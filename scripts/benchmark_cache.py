"""Random reading: this project's store against one .npy file per utterance, both warm, in one
process.

python scripts/benchmark_cache.py --utterances 2000 --rounds 5
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.store import Store
from mmser.cache.writer import open_writer
from mmser.core.clip import Features

SHORTEST, LONGEST = 50, 500
RECIPE = Recipe("benchmark", "scripts.benchmark_cache", 1, {}, "float16")


def write_both(folder: Path, utterances: int, dimension: int, seed: int) -> tuple[list[str], int]:
    """The same arrays, (50 to 500, dimension) float16, as a store and as .npy files; returns ids
    and bytes.
    """
    generator = np.random.default_rng(seed)
    ids = [f"u{number:05d}" for number in range(utterances)]
    (folder / "npy").mkdir()
    size = 0
    with open_writer(folder / "store", RECIPE) as writer:
        for at in range(0, utterances, 64):
            entries = []
            for key in ids[at : at + 64]:
                rows = int(generator.integers(SHORTEST, LONGEST + 1))
                values = generator.standard_normal((rows, dimension), dtype=np.float32).astype(
                    np.float16
                )
                np.save(folder / "npy" / f"{key}.npy", values)
                entries.append(Entry(key, "", Features(values, 50.0)))
                size += values.nbytes
            writer.add(entries)
        writer.finish()
    return ids, size


def seconds(read: Callable[[str], np.ndarray], order: list[str], buffer: np.ndarray) -> float:
    """Time to read every utterance in batches, each array copied once into a batch that both sides
    reuse.
    """
    begun = time.perf_counter()
    for at in range(0, len(order), len(buffer)):
        for row, key in enumerate(order[at : at + len(buffer)]):
            values = read(key)
            buffer[row, : len(values)] = values
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--utterances", type=int, default=2000)
    parser.add_argument("--dimension", type=int, default=768)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where to write (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        ids, size = write_both(folder, options.utterances, options.dimension, options.seed)
        begun = time.perf_counter()
        store = Store(folder / "store")
        opening = time.perf_counter() - begun
        sides: dict[str, Callable[[str], np.ndarray]] = {
            "store": store.read,
            "one .npy each": lambda key: np.load(folder / "npy" / f"{key}.npy"),
        }
        buffer = np.zeros((options.batch, LONGEST, options.dimension), np.float16)
        times: dict[str, list[float]] = {name: [] for name in sides}
        generator = np.random.default_rng(options.seed)
        for number in range(options.rounds + 1):
            order = [str(key) for key in generator.permutation(ids)]
            for name, read in sides.items():
                taken = seconds(read, order, buffer)
                if number:  # the first round warms the page cache
                    times[name].append(taken)
        best = {name: min(values) for name, values in times.items()}
        median = {name: float(np.median(values)) for name, values in times.items()}
        print(
            f"{len(ids)} utterances, {size / 1e6:.0f} MB, shuffled batches of {options.batch}, warm"
        )
        print(f"{'':16}{'best s':>10}{'median s':>10}{'GB/s':>8}")
        for name in sides:
            print(f"{name:16}{best[name]:10.3f}{median[name]:10.3f}{size / best[name] / 1e9:8.2f}")
        ratio = best["one .npy each"] / best["store"]
        print(
            f"ratio: {ratio:.2f} (best), {median['one .npy each'] / median['store']:.2f} (median)"
        )
        print(f"opening the store: {opening * 1e3:.0f} ms")


if __name__ == "__main__":
    main()

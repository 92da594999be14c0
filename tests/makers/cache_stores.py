"""What the cache tests are made of: a recipe, entries, a filled store."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.writer import open_writer
from mmser.core.clip import Failure, Features


def recipe(**changes: object) -> Recipe:
    facts: dict = {
        "name": "fake",
        "maker": "room.Fake",
        "version": 1,
        "parameters": {"window": 25},
        "dtype": "float16",
    }
    return Recipe(**(facts | changes))


def entries(count: int = 30, size: int = 8) -> list[Entry]:
    """Every seventh failed; every third has spans."""
    generator = np.random.default_rng(0)
    made = []
    for number in range(count):
        key = f"u{number:02d}"
        values = generator.normal(size=(5 + number, size)).astype(np.float32)
        spans = np.stack([np.arange(len(values)), np.arange(len(values)) + 0.5], 1).astype(
            np.float32
        )
        features = (
            Features(values, None, spans, "3 faces") if number % 3 == 0 else Features(values, 100.0)
        )
        made.append(
            Entry(
                key,
                f"digest{number}",
                Failure(key, "no face", "black") if number % 7 == 6 else features,
            )
        )
    return made


def fill(
    cache: Path, made: list[Entry], step: int = 5, shard_bytes: int = 3000, **changes: object
) -> Path:
    """Write ``made`` in steps and finish; returns the store's folder."""
    what = recipe(**changes)
    directory = store_directory(cache, "corpus", what.name, what.source, what.fingerprint)
    with open_writer(directory, what, shard_bytes) as writer:
        for at in range(0, len(made), step):
            writer.add(made[at : at + step])
        writer.finish()
    return directory

"""A corpus of EMO-DB's size whose features are made: what the training benchmarks run on.

Ten speakers, seven classes, 535 utterances of .9 to 9 s; a weak trace of the class is in every
feature, so that a network has something to learn. Nothing is decoded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.writer import open_writer
from mmser.composition import compose
from mmser.core.clip import Features
from mmser.corpora.manifest import write_manifest

CORPUS = "emodb"
CLASSES = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
UTTERANCES, SPEAKERS = 535, 10
FRAME_RATE = 100.0
SIZES = {"egemaps_functionals": 88, "mfcc40": 40}
"""Features of each made stream; functionals are one vector an utterance."""


def fill_cache(cache: Path) -> None:
    """Write the manifest and the two stores."""
    generator = np.random.default_rng(0)
    ids = [f"{CORPUS}_{place:03d}" for place in range(UTTERANCES)]
    labels = generator.integers(len(CLASSES), size=UTTERANCES)
    seconds = np.clip(generator.lognormal(0.95, 0.4, UTTERANCES), 0.9, 9.0)
    manifest = pd.DataFrame(
        {
            "id": ids,
            "corpus": CORPUS,
            "speaker": [f"s{place % SPEAKERS:02d}" for place in range(UTTERANCES)],
            "session": "",
            "start": 0.0,
            "end": seconds,
            "votes": None,
            "gender": ["F" if place % 2 else "M" for place in range(UTTERANCES)],
            "emotion": [CLASSES[label] for label in labels],
        }
    )
    write_manifest(manifest, cache / CORPUS / "manifest.parquet")
    for name, size in SIZES.items():
        directions = generator.normal(size=(len(CLASSES), size))
        recipe = Recipe(name, "made", 1, {"size": size}, dtype="float32")
        folder = store_directory(cache, CORPUS, name, "", recipe.fingerprint)
        with open_writer(folder, recipe) as writer:
            for identifier, label, length in zip(ids, labels, seconds, strict=True):
                steps = 1 if size == 88 else int(length * FRAME_RATE)
                noise = generator.normal(size=(steps, size))
                values = (noise + 0.2 * directions[label]).astype(np.float32)
                rate = None if size == 88 else FRAME_RATE
                writer.add([Entry(identifier, "0" * 64, Features(values, frame_rate=rate))])
            writer.finish()


def settings_of(folder: Path, run: str, *words: str) -> dict[str, Any]:
    """The config of a run on it, below ``folder``; ``words`` as on the command line."""
    cache = folder / "cache"
    if not cache.is_dir():
        fill_cache(cache)
    return compose(
        "train",
        [
            f"corpus={CORPUS}",
            f"protocol={CORPUS}7_speaker10",
            "protocol.allow_incomplete=true",
            f"cache={cache}",
            f"run={folder / run}",
            *words,
        ],
    )

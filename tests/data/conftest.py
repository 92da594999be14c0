"""A store in memory and a small corpus: four speakers, two classes, audio at 100 Hz, words with
spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmser.core.task import Task
from mmser.data.batching import BatchOptions
from mmser.data.fold_data import FoldData
from mmser.data.fold_opening import Inputs, Labelling, open_fold_data
from mmser.data.spec import StreamSpec
from mmser.data.stream_alignment import StreamAlignment


@dataclass
class MemoryStore:
    """What `mmser.cache.store.Store` offers, over arrays; ``failed`` ids are in the ledger only."""

    arrays: Mapping[str, np.ndarray]
    rate: float | None = None
    times: Mapping[str, np.ndarray] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    extractor: str = "mfcc40"

    @property
    def info(self) -> dict[str, Any]:
        return {"extractor": self.extractor}

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    @property
    def index(self) -> pd.DataFrame:
        return pd.DataFrame({"id": [*self.arrays, *self.failed]})

    def __contains__(self, identifier: object) -> bool:
        return identifier in self.arrays

    def knows(self, identifier: str) -> bool:
        return identifier in self.arrays or identifier in self.failed

    def lengths(self, identifiers: Iterable[str]) -> np.ndarray:
        return np.array([len(self.arrays.get(key, ())) for key in identifiers], np.int64)

    def check(self, identifiers: Iterable[str] | None = None) -> None:
        """Nothing to check."""

    def unchecked_bytes(self) -> int:
        return 0

    def read(self, identifier: str) -> np.ndarray:
        return self.arrays[identifier].copy()

    def spans(self, identifier: str) -> np.ndarray | None:
        return self.times.get(identifier)

    def frame_rate(self, identifier: str) -> float | None:
        return self.rate

    def length(self, identifier: str) -> int:
        return len(self.arrays[identifier])


@dataclass
class SmallCorpus:
    manifest: pd.DataFrame
    assignment: pd.DataFrame
    stores: dict[str, MemoryStore]
    specs: dict[str, StreamSpec]
    classes: tuple[str, ...] = ("angry", "sad")

    def open(self, **changes: Any) -> FoldData:
        """The fold "f0" in batches of four; ``changes`` are fields of what it is opened with."""
        given = {
            "manifest": self.manifest,
            "assignment": self.assignment,
            "fold": "f0",
            "stores": self.stores,
            "specs": self.specs,
            "classes": self.classes,
            "batch_size": 4,
        } | changes
        kind = given.pop("alignment", "native")
        names = {"classes": given.pop("classes"), "values": given.pop("values", ())}
        given["asked"] = Task.asking(names)
        grouped = [
            made(**{each.name: given.pop(each.name) for each in fields(made) if each.name in given})
            for made in (Inputs, Labelling, BatchOptions)
        ]
        inputs, labelling, options = grouped
        inputs = replace(inputs, alignment=StreamAlignment(kind))
        return open_fold_data(inputs=inputs, labelling=labelling, options=options, **given)


def build_corpus(utterances: int = 24, seed: int = 0) -> SmallCorpus:
    """Speakers s0, s1 train, s2 validates, s3 tests; dialogues of three turns."""
    generator = np.random.default_rng(seed)
    ids = [f"u{i:03d}" for i in range(utterances)]
    speakers = [f"s{i * 4 // utterances}" for i in range(utterances)]
    emotions = [("ang", "sad")[i % 2] for i in range(utterances)]
    votes = (
        '[{"annotator": "a", "emotions": ["ang"]}, {"annotator": "b", "emotions": ["sad", '
        '"other"]}]'
    )
    manifest = pd.DataFrame(
        {
            "id": ids,
            "corpus": "small",
            "speaker": speakers,
            "session": "",
            "dialogue": [f"d{i // 3}" for i in range(utterances)],
            "turn": [2 - i % 3 for i in range(utterances)],
            "start": 0.0,
            "end": 1.0,
            "gender": ["F" if i % 2 else "M" for i in range(utterances)],
            "part": "whatever the corpus says",
            "emotion": emotions,
            "valence": [None if i == 0 else 1.0 + i for i in range(utterances)],
            "votes": votes,
        }
    )
    parts = {"s0": "train", "s1": "train", "s2": "validation", "s3": "test"}
    assignment = pd.DataFrame(
        {
            "id": ids,
            "fold": "f0",
            "part": [parts[speaker] for speaker in speakers],
            "label": [{"ang": "angry", "sad": "sad"}[emotion] for emotion in emotions],
        }
    )
    audio = {
        i: generator.normal(3.0, 2.0, (int(generator.integers(5, 60)), 4)).astype(np.float32)
        for i in ids
    }
    words = {i: generator.integers(-(2**62), 2**62, int(generator.integers(2, 9))) for i in ids}
    spans = {
        i: np.stack([np.arange(len(w)), np.arange(len(w)) + 0.8], axis=1).astype("f4") / 20
        for i, w in words.items()
    }
    return SmallCorpus(
        manifest,
        assignment,
        {
            "audio": MemoryStore(audio, 100.0),
            "text": MemoryStore(words, None, spans, extractor="words"),
        },
        {
            "audio": StreamSpec("mfcc40", normalise="zscore"),
            "text": StreamSpec("words", vocabulary=True),
        },
    )


@pytest.fixture
def corpus() -> SmallCorpus:
    return build_corpus()

"""What a run reads of an utterance, made anew from a clip: its own extractors, transforms and alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT
from mmser.core.batch import Batch
from mmser.core.clip import Clip, Failure, Features
from mmser.core.contracts import Extractor
from mmser.core.errors import MmserError
from mmser.data.checks import find_word_stream, stream_shapes
from mmser.data.collate import Collate
from mmser.data.dataset import Facts, PartDataset
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transforms
from mmser.evaluation.memory_store import store_in_memory
from mmser.evaluation.rebuild import extractor_like, frame_rate_of
from mmser.training.run import Run
from mmser.training.sources import open_stores

DEFAULT_FRAME_RATE = 3.0


class Reader:
    """Clips -> `Features` of each stream -> a `Batch` as the run's models know it."""

    def __init__(self, run: Run) -> None:
        """Raises MmserError when a cache of the run is gone or not the one it was trained on, or its maker changed."""
        self.run = run
        self._stores = open_stores(run.config)
        for stream, store in self._stores.items():
            trained = run.environment["caches"].get(stream)
            if trained != store.info["fingerprint"]:
                raise MmserError(
                    f"the features that {run.directory.name} was trained on in stream {stream}",
                    f"{store.directory.name} instead of fingerprint {trained}",
                    "Name that cache's folder in full in the run's config, or train again.",
                )
        self.extractors: dict[str, Extractor] = {n: extractor_like(s, run.config) for n, s in self._stores.items()}
        self._specs = {name: StreamSpec(**spec) for name, spec in run.config["streams"].items()}
        self._shapes = stream_shapes(self._stores, self._specs)[0]
        self._word_stream = run.config["data"].get("word_stream") or find_word_stream(self._stores)

    @property
    def modalities(self) -> dict[str, tuple[str, ...]]:
        """{audio, text, face: streams}, those the run reads."""
        kinds = dict.fromkeys(extractor.modality for extractor in self.extractors.values())
        return {kind: tuple(n for n, e in self.extractors.items() if e.modality == kind) for kind in kinds}

    @property
    def frame_rate(self) -> float:
        """Pictures per second to decode, as for the run's caches."""
        rates = [frame_rate_of(store) for store in self._stores.values()]
        return next((rate for rate in rates if rate), DEFAULT_FRAME_RATE)

    @property
    def source(self) -> str:
        """Where the words came from that the run was trained on ("corpus", "pocketsphinx"); "" without text."""
        for stream in self.modalities.get("text", ()):
            return str((self._stores[stream].info.get("transcript") or {}).get("source", CORPUS_TRANSCRIPT))
        return ""

    def features(self, clip: Clip) -> dict[str, Features | Failure]:
        """What each stream's extractor makes of the clip."""
        return {stream: extractor.extract([clip])[0] for stream, extractor in self.extractors.items()}

    def batch(self, features: Mapping[str, Mapping[str, Features | Failure]], transforms: Transforms) -> Batch:
        """One batch of {utterance id: features of each stream}, with a fold's transforms; all one conversation."""
        stores = {
            stream: store_in_memory(
                self._stores[stream].info,
                {identifier: found[stream] for identifier, found in features.items()},
            )
            for stream in self.extractors
        }
        data = self.run.config["data"]
        alignment = data.get("alignment", "native")
        dataset = PartDataset(
            _facts(tuple(features)),
            stores,
            self._specs,
            transforms,
            alignment,
            data.get("grid_rate", 10.0),
            self._word_stream if alignment == "word" else None,
        )
        collate = Collate(self._shapes, aligned=alignment != "native")
        return collate([dataset[0, row] for row in range(len(dataset))])


def _facts(ids: Sequence[str]) -> Facts:
    rows = np.arange(len(ids))
    nobody, nothing = ("",) * len(ids), np.zeros(len(ids), np.int64)
    unlabelled: tuple[str | None, ...] = (None,) * len(ids)
    return Facts(tuple(ids), unlabelled, nobody, nothing, rows, nothing, np.full(len(ids), np.nan), {})

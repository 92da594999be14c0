"""What a trained system reads of an utterance, made from a clip.

Features of the extractors, then the fold's transforms and the alignment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT
from mmser.cache.memory import MemoryStore
from mmser.core.batch import Batch
from mmser.core.clip import Clip, Failure, Features
from mmser.core.contracts import Extractor
from mmser.core.errors import MmserError
from mmser.core.word_sources import Aligner
from mmser.data.collate import Collate
from mmser.data.dataset import Facts, SplitDataset
from mmser.data.stream_alignment import StreamAlignment
from mmser.data.transforms import Transforms
from mmser.extraction.batches import by_length
from mmser.extraction.extractor_files import check_named
from mmser.extraction.import_features import MAKER
from mmser.extraction.rebuild import decoded_rate, extractor_of
from mmser.extraction.remembered_source import remembered_source
from mmser.extraction.word_sources import is_aligner
from mmser.inference.stated import check_stated
from mmser.inference.trained import StreamSource, Trained

DEFAULT_FRAME_RATE = 3.0


class Reader:
    """Clips -> `Features` of each stream -> a `Batch` as in training."""

    def __init__(self, trained: Trained) -> None:
        """Raises MmserError when the features cannot be made as for the training.

        That is when a cache of a run is gone or not the one it was trained on, when its extractor
        changed, or when it has none: imported features.
        """
        self.trained = trained
        self._sources = trained.sources
        check_stated(trained)
        for stream, source in self._sources.items():
            _check_made_here(stream, source)
        check_named(trained.named_files, [source.info for source in self._sources.values()])
        self.extractors: dict[str, Extractor] = {
            name: extractor_of(source.info, trained.weights, trained.named_files)
            for name, source in self._sources.items()
        }

    @property
    def modalities(self) -> dict[str, tuple[str, ...]]:
        """{audio, text, face: streams}, those the run reads."""
        kinds = dict.fromkeys(extractor.modality for extractor in self.extractors.values())
        return {kind: self._streams_of(kind) for kind in kinds}

    def _streams_of(self, modality: str) -> tuple[str, ...]:
        makers = self.extractors.items()
        return tuple(stream for stream, maker in makers if maker.modality == modality)

    @property
    def frame_rate(self) -> float:
        """Pictures per second to decode, as for the caches.

        Raises MmserError where the caches were decoded at several rates.
        """
        decoded = [decoded_rate(source.info) for source in self._sources.values()]
        # Streams without pictures have no rate.
        rates = {rate for rate in decoded if rate}
        if len(rates) > 1:
            listed = " and ".join(f"{rate:g}" for rate in sorted(rates))
            remedy = "Extract the streams of faces at one frame_rate, and train again."
            raise MmserError(
                "one rate of pictures behind the system's streams", f"{listed} per second", remedy
            )
        return rates.pop() if rates else DEFAULT_FRAME_RATE

    @property
    def sample_rates(self) -> list[int]:
        """Hz of the sound that the extractors read."""
        rates = {extractor.sample_rate for extractor in self.extractors.values()}
        return sorted(rate for rate in rates if rate is not None)

    @property
    def transcript(self) -> Mapping[str, Any]:
        """Where the words come from that the run was trained on.

        ``source`` is "corpus", a recogniser such as "pocketsphinx", or "" without text;
        ``fingerprint`` is that of the recogniser, if there is one.
        """
        text_streams = self.modalities.get("text", ())
        if not text_streams:
            return {"source": ""}
        # All text streams of a run read the same transcript.
        recorded = self._sources[text_streams[0]].info.get("transcript") or {}
        return {"source": CORPUS_TRANSCRIPT, **recorded}

    @cached_property
    def aligner(self) -> Aligner | None:
        """What gives times to words that the user gives, as to the corpus's words in training.

        None where the run was trained without one. Raises MmserError where it is not found here.
        """
        source = str(self.transcript["source"])
        if not is_aligner(source):
            return None
        found = remembered_source(self.transcript, self.trained.weights)
        if not isinstance(found, Aligner):
            raise MmserError(
                f"the aligner {source} with the weights and settings of the training, to time the "
                "given words",
                f"none with them below {self.trained.weights}",
                "Put its model there (--weights), or leave the text out of the table.",
            )
        return found

    def features(
        self, clip: Clip, streams: Sequence[str] | None = None
    ) -> dict[str, Features | Failure]:
        """What the extractor of each of ``streams`` (None: of all) makes of the clip."""
        features = {}
        for stream in self.extractors if streams is None else streams:
            extract = self.extractors[stream].extract
            features[stream] = by_length([clip], _one, extract, _broken)[0]
        return features

    def batch(
        self, features: Mapping[str, Mapping[str, Features | Failure]], transforms: Transforms
    ) -> Batch:
        """One batch of {utterance id: features of each stream}, with a fold's transforms.

        All of it is one conversation.
        """
        stores = {}
        for stream, source in self._sources.items():
            results = {utterance: streams[stream] for utterance, streams in features.items()}
            _check_shape(stream, source, list(results.values()))
            stores[stream] = MemoryStore(source.info, results)
        data = self.trained.data
        alignment = StreamAlignment(data["alignment"], data["grid_rate"], data["word_stream"])
        dataset = SplitDataset(
            _facts(tuple(features)),
            stores,
            {stream: source.spec for stream, source in self._sources.items()},
            transforms,
            alignment,
        )
        shapes = {stream: source.shape for stream, source in self._sources.items()}
        collate = Collate(shapes, aligned=alignment.is_shared)
        return collate([dataset[0, row] for row in range(len(dataset))])


def _check_shape(stream: str, source: StreamSource, results: Sequence[Features | Failure]) -> None:
    shapes = {tuple(each.values.shape[1:]) for each in results if isinstance(each, Features)}
    if shapes - {source.shape.feature}:
        listed = " or ".join(str(list(shape)) for shape in sorted(shapes))
        raise MmserError(
            f"steps of shape {list(source.shape.feature)} in stream '{stream}'",
            f"{listed} from the extractor {source.info['extractor']}",
            "Export or download the folder again, or use the version of mmser that made it.",
        )


def _check_made_here(stream: str, source: StreamSource) -> None:
    if source.info.get("class") == MAKER:
        raise MmserError(
            f"an extractor of mmser behind stream '{stream}', to make the same features of a new "
            "recording",
            f"features imported as {source.info['extractor']}",
            "Train on an extractor of `mmser list extractors`; imported features can be tested, "
            "not made.",
        )


def _one(clip: Clip) -> int:
    return 1


def _broken(clip: Clip, detail: str) -> Failure:
    return Failure(clip.id, "extractor error", detail)


def _facts(ids: Sequence[str]) -> Facts:
    rows = np.arange(len(ids))
    nobody, nothing = ("",) * len(ids), np.zeros(len(ids), np.int64)
    unlabelled: tuple[str | None, ...] = (None,) * len(ids)
    return Facts(
        tuple(ids), unlabelled, nobody, nothing, rows, nothing, np.full(len(ids), np.nan), {}
    )

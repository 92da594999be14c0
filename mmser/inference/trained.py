"""What prediction needs of a trained system.

It is a run beside its caches, or a model folder far from them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mmser.core.errors import UsageError
from mmser.core.task import Task
from mmser.data.checks import find_word_stream, store_shape
from mmser.data.collate import Shape
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transforms
from mmser.extraction.extractor_files import Named
from mmser.extraction.remembered_source import with_maker
from mmser.inference.corpus_files import CorpusFiles
from mmser.inference.training_lengths import TrainingLengths, log_unknown_lengths, training_lengths
from mmser.models.multimodal import MultimodalModel
from mmser.training.inputs.sources import open_stores
from mmser.training.run import Run, TrainedFold

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore

ALL = "all"


@dataclass(frozen=True, slots=True)
class StreamSource:
    """How one stream is made from a clip.

    ``info`` is what its cache says of itself (extractor, parameters, fingerprint, dtype,
    transcript, ...), ``shape`` that of one step, ``frame_rate`` in steps per second where they have
    times, ``word_times`` whether steps are words with spans.
    """

    spec: StreamSpec
    info: Mapping[str, Any]
    shape: Shape
    frame_rate: float | None = None
    word_times: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One trained model (evaluation mode) of a fold and a seed.

    With it the transforms and the task of its fold.
    """

    fold: str
    seed: int
    model: MultimodalModel
    transforms: Transforms
    task: Task


class Trained(Protocol):
    """A trained system as prediction sees it.

    ``weights`` is the folder of the extractors' pretrained weights on this machine, ``named_files``
    are those of its extractors that a user named; ``data`` has the keys alignment, grid_rate and
    word_stream (None without word times).
    """

    @property
    def name(self) -> str: ...

    @property
    def weights(self) -> str: ...

    @property
    def named_files(self) -> Named: ...

    @property
    def data(self) -> Mapping[str, Any]: ...

    @property
    def sources(self) -> Mapping[str, StreamSource]: ...

    @property
    def training_lengths(self) -> TrainingLengths | None:
        """How long its training utterances were, None where that is not known."""
        ...

    @property
    def corpus_files(self) -> CorpusFiles | None:
        """The media it was trained on, None far from them."""
        ...

    @property
    def names(self) -> Sequence[tuple[str, int]]:
        """(fold, seed) of every model."""
        ...

    def members(self, names: Collection[tuple[str, int]] | None = None) -> Sequence[Member]:
        """The models (None: all), read anew; they vote. Raises MmserError when there is none."""
        ...


def choose_members(
    names: Sequence[tuple[str, int]], fold: str | None, seed: int | None
) -> list[tuple[str, int]]:
    """Those of ``names`` (fold, seed) with this fold (None or "all": any) and seed.

    Raises UsageError when none has.
    """
    fitting = [item for item in names if fold in (None, ALL, item[0]) and seed in (None, item[1])]
    if fitting or not names:
        return fitting
    asked = f"fold {'any' if fold is None else fold} seed {'any' if seed is None else seed}"
    raise UsageError(f"{asked} in the run", list_members(names), "Choose with --fold and --seed.")


def list_members(names: Sequence[tuple[str, int]]) -> str:
    """The pairs in words, for a message."""
    return ", ".join(f"fold {fold} seed {seed}" for fold, seed in names) or "none that is finished"


class TrainedRun:
    """A run's folder as prediction sees it; its caches say how its streams were made."""

    def __init__(self, run: Run, weights: str | None = None) -> None:
        self.run = run
        self.settings = run.settings
        self.weights = weights or run.settings.paths.get("weights", "weights")

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def named_files(self) -> Named:
        return self.run.named_files

    @cached_property
    def data(self) -> dict[str, Any]:
        data = self.settings.data
        return {
            "alignment": data.alignment,
            "grid_rate": data.grid_rate,
            "word_stream": data.word_stream or find_word_stream(self._stores),
        }

    @cached_property
    def sources(self) -> dict[str, StreamSource]:
        """Those of the streams that the model reads.

        Others served its objective, and a new clip may lack them. Raises MmserError when a cache of
        the run is gone or not the one it was trained on.
        """
        sources = {}
        for stream, store in self._stores.items():
            if stream not in self.settings.model["encoders"]:
                continue
            shape = store_shape(stream, store)
            rate = store.frame_rate(store.ids[0])
            spec = self.settings.streams[stream]
            has_word_times = find_word_stream({stream: store}) is not None
            info = {**store.info, "transcript": self._with_maker(store)}
            sources[stream] = StreamSource(spec, info, shape, rate, has_word_times)
        return sources

    @cached_property
    def training_lengths(self) -> TrainingLengths | None:
        lengths = training_lengths(self.run.manifest, self.run.assignment, self._stores)
        if lengths is None:
            log_unknown_lengths(self.name, "its features and its media do not tell")
        return lengths

    @cached_property
    def corpus_files(self) -> CorpusFiles:
        return CorpusFiles(self.run.manifest, self.run.assignment, self._stores)

    @property
    def names(self) -> list[tuple[str, int]]:
        return self.run.folds

    def members(self, names: Collection[tuple[str, int]] | None = None) -> list[Member]:
        return [
            _member(trained)
            for trained in self.run.finished()
            if names is None or (trained.fold, trained.seed) in names
        ]

    def member(self, fold: str, seed: int) -> Member:
        """One of them. Raises MmserError when it is not finished."""
        return _member(self.run.fold(fold, seed))

    def _with_maker(self, store: FeatureStore) -> dict[str, Any] | None:
        """Where a store's words came from, and how they were made."""
        cache, corpora = Path(self.settings.cache), self.run.corpora.names
        return with_maker(store.info.get("transcript"), cache, corpora)

    @cached_property
    def _stores(self) -> dict[str, FeatureStore]:
        return open_stores(self.settings, self.run.corpora.names, self.run.recorded)


def _member(trained: TrainedFold) -> Member:
    return Member(
        trained.fold, trained.seed, trained.model("cpu"), trained.transforms(), trained.task
    )

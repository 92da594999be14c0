"""One split of a fold as a torch dataset: (epoch, row) -> Sample, read from its stores."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from torch.utils.data import Dataset

from mmser.data.packed_texts import PackedTexts
from mmser.data.sample import Sample, Track
from mmser.data.sample_memory import MEMORY_LIMIT, SampleMemory
from mmser.data.spec import StreamSpec
from mmser.data.stream_alignment import NATIVE, StreamAlignment, align
from mmser.data.transforms import Transforms

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore


class Samples(Protocol):
    """What an augmentation may ask of the training split (partners for mixing, babble)."""

    ids: tuple[str, ...]
    """Utterances of the split, in order."""

    labels: tuple[str | None, ...]
    """Class name of each, None when unlabelled."""

    speakers: tuple[str, ...]
    """Who speaks each."""

    def sample(self, identifier: str) -> Sample:
        """One utterance of this split as it is before augmentation."""
        ...


class Augmentation(Protocol):
    """One random change of a training sample; ``samples`` is the training split it comes from.

    Called after normalisation and before the alignment, with a generator that depends on (seed,
    epoch, utterance id) alone. Returns a new sample with the same feature shapes; never changes
    arrays in place.
    """

    after_limit: ClassVar[bool]
    """Whether it changes what the stream's limit has left, or the whole utterance before that."""

    def __call__(
        self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples
    ) -> Sample: ...


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the manifest says of the rows of a split, without features; arrays are (row,)."""

    ids: tuple[str, ...]
    labels: tuple[str | None, ...]
    speakers: tuple[str, ...]
    dialogue: np.ndarray
    turn: np.ndarray
    speaker: np.ndarray
    duration: np.ndarray
    targets: Mapping[str, np.ndarray]


class SplitDataset(Dataset[Sample]):
    """Rows of one split. Reading is lazy: each worker process opens the shards it needs once.

    ``augmentation`` is applied in order, each change before or after the streams' limits. Up to
    ``memory`` bytes of samples are kept once they are read.
    """

    def __init__(
        self,
        facts: Facts,
        stores: Mapping[str, FeatureStore],
        specs: Mapping[str, StreamSpec],
        transforms: Transforms,
        alignment: StreamAlignment = NATIVE,
        augmentation: Sequence[Augmentation] = (),
        seed: int = 0,
        memory: int = MEMORY_LIMIT,
    ) -> None:
        self.facts = facts
        self.ids = facts.ids
        self.labels = facts.labels
        self.speakers = facts.speakers
        self.stores = dict(stores)
        self.specs = dict(specs)
        self.transforms = transforms
        self.alignment = alignment
        self.augmentation = tuple(augmentation)
        self.seed = seed
        self._packed_ids = PackedTexts(facts.ids)
        self._row = {identifier: row for row, identifier in enumerate(facts.ids)}
        # Without augmentation a sample is the same in each epoch, so what is kept is cut already.
        self._remembered = SampleMemory(self._read if self.augmentation else self._ready, memory)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        """The sample of ``(epoch, row)``, ready to be collated."""
        epoch, row = key
        sample = self._remembered(row)
        if not self.augmentation:
            return sample
        changed = self._augmented(sample, epoch, after_limit=False)
        changed = self._augmented(self._limited(changed), epoch, after_limit=True)
        return align(changed, self.alignment)

    def sample_of(self, row: int) -> Sample:
        """The sample of ``row`` of a split without augmentation, ready to be collated."""
        return self._remembered(row)

    def sample(self, identifier: str) -> Sample:
        """One utterance before augmentation, limit and alignment (`Samples`)."""
        row = self._row[identifier]
        return self._remembered(row) if self.augmentation else self._read(row)

    def _ready(self, row: int) -> Sample:
        """The sample of ``row`` without augmentation."""
        return align(self._limited(self._read(row)), self.alignment)

    def _limited(self, sample: Sample) -> Sample:
        limited = {
            name: limit_track(track, self.specs[name]) for name, track in sample.streams.items()
        }
        return replace(sample, streams=limited)

    def _augmented(self, sample: Sample, epoch: int, after_limit: bool) -> Sample:
        for place, change in enumerate(self.augmentation):
            if change.after_limit == after_limit:
                entropy = [self.seed, epoch, zlib.crc32(sample.id.encode()), place]
                sample = change(sample, np.random.default_rng(entropy), epoch, self)
        return sample

    def _read(self, row: int) -> Sample:
        facts = self.facts
        identifier, speaker = self._packed_ids[row], facts.speakers[row]
        streams: dict[str, Track | None] = {}
        for name, store in self.stores.items():
            track = read_track(store, identifier)
            if track is not None:
                values = self.transforms.apply(name, track.values, speaker)
                track = replace(track, values=values)
            streams[name] = track
        targets = {name: array[row] for name, array in facts.targets.items()}
        duration = float(facts.duration[row])
        return Sample(
            identifier,
            streams,
            targets,
            int(facts.dialogue[row]),
            int(facts.turn[row]),
            int(facts.speaker[row]),
            # NaN where the manifest has no times.
            duration if duration > 0 else None,
        )


def read_track(store: FeatureStore, identifier: str) -> Track | None:
    """The stored track of an utterance in its stored dtype, None when it failed."""
    if identifier not in store:
        return None
    return Track(store.read(identifier), store.frame_rate(identifier), store.spans(identifier))


def limit_track(track: Track | None, spec: StreamSpec) -> Track | None:
    """At most ``spec.limit`` steps, from the head or the centre."""
    if track is None or spec.limit is None or len(track) <= spec.limit:
        return track
    return track.cut((len(track) - spec.limit) // 2 if spec.crop == "centre" else 0, spec.limit)

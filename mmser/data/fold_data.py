"""One fold of a protocol over the caches: everything a training run asks of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader

from mmser.core.batch import Batch
from mmser.core.task import Task
from mmser.data.batching import BatchOptions
from mmser.data.checks import check_choice
from mmser.data.collate import Collate, Shape
from mmser.data.dataset import Augmentation, Facts, SplitDataset
from mmser.data.episodes import episode_plan, paired_plan
from mmser.data.gathering import GatheredSplit
from mmser.data.sample_memory import MEMORY_LIMIT
from mmser.data.samplers import (
    Plan,
    PlannedBatches,
    balanced_rows,
    dialogue_plan,
    every_row,
    length_plan,
    random_plan,
    whole_batches,
)
from mmser.data.spec import StreamSpec
from mmser.data.stream_alignment import StreamAlignment
from mmser.data.transforms import Transforms

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore


@dataclass(frozen=True, eq=False)
class FoldData:
    """Samples and batches of one fold; `mmser.data.fold_opening.open_fold_data` makes it.

    ``facts`` are keyed by split; ``stores``, ``test_stores``, ``specs``, ``shapes`` and
    ``input_sizes`` (the feature dimension a model gets) by stream. ``test_stores`` are those of the
    test split: another condition, or the same as ``stores``. ``traces`` are the streams of labels
    over time, which a batch has apart from those of the model. ``dropped`` counts the training
    utterances that were left out because they have no stream at all.
    """

    fold: str
    task: Task
    facts: Mapping[str, Facts]
    stores: Mapping[str, FeatureStore]
    test_stores: Mapping[str, FeatureStore]
    specs: Mapping[str, StreamSpec]
    shapes: Mapping[str, Shape]
    input_sizes: Mapping[str, int]
    transforms: Transforms
    alignment: StreamAlignment
    augmentation: tuple[Augmentation, ...]
    options: BatchOptions
    traces: frozenset[str]
    dropped: int

    def ids(self, split: str) -> tuple[str, ...]:
        """Utterances of a split, in the assignment's order."""
        return self._facts_of(split).ids

    def labels(self, split: str) -> tuple[str | None, ...]:
        """Class names of a split, in the order of `ids`; None where unlabelled."""
        return self._facts_of(split).labels

    def dataset(self, split: str, augment: bool = False) -> SplitDataset:
        """The samples of a split, keyed by (epoch, row); only training data are ever augmented."""
        return SplitDataset(
            self._facts_of(split),
            self._stores_of(split),
            self.specs,
            self.transforms,
            self.alignment,
            self.augmentation if augment and split == "train" else (),
            self.options.seed,
            MEMORY_LIMIT // max(1, self.options.workers),
        )

    def loader(
        self, split: str, shuffle: bool, device: torch.device | None = None
    ) -> DataLoader[Batch]:
        """Batches of a split; ``shuffle`` also augments and balances the training split.

        The order and every random change depend on (seed, epoch, utterance) alone, never on the
        number of workers: call ``loader.batch_sampler.set_epoch(epoch)`` before each epoch
        (trainers do). Without ``shuffle`` length batching goes from short to long; row order is
        told by ``Batch.ids``. ``device`` is where batches will be needed: they are there already,
        or in memory that is copied from without waiting.
        """
        samples = self.dataset(split, augment=shuffle)
        collate = Collate(self.shapes, self.alignment.is_shared, self.traces)
        gathers = not samples.augmentation
        on_gpu = device is not None and device.type == "cuda"
        # Processes that read do not touch the GPU.
        there = on_gpu and gathers and not self.options.workers
        if self.options.workers:
            for store in self._stores_of(split).values():
                store.check(self.ids(split))  # once here, not in every worker
        seed, workers = self.options.seed, self.options.workers
        return DataLoader(
            # The loader's type is what it yields: batches.
            GatheredSplit(samples, collate, device if there else None) if gathers else samples,  # type: ignore[arg-type]
            batch_sampler=PlannedBatches(self._plan(split, shuffle), seed, shuffle),
            collate_fn=_as_it_is if gathers else collate,  # type: ignore[arg-type]
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=on_gpu and not there,
            # Its own generator: making a loader's iterator must not move the global one.
            generator=torch.Generator().manual_seed(seed),
        )

    def absent(self, split: str) -> dict[str, int]:
        """Number of utterances of a split without each stream."""
        ids = self.ids(split)
        counts = {}
        for name, store in self._stores_of(split).items():
            counts[name] = sum(identifier not in store for identifier in ids)
        return counts

    def lengths(self, split: str) -> np.ndarray:
        """(row,) steps after the limit, summed over streams, each in units of its mean length."""
        ids = self.ids(split)
        total = np.zeros(len(ids))
        for name, store in self._stores_of(split).items():
            limit = self.specs[name].limit or np.inf
            # An absent stream costs nothing.
            steps = np.minimum(store.lengths(ids).astype(float), limit)
            mean = float(steps.mean()) if len(steps) else 1.0
            total += steps / max(1.0, mean)
        return total

    @cached_property
    def truncated(self) -> dict[str, int]:
        """{stream: the number of utterances of any split that are longer than its limit}."""
        return {name: self._longer_than_limit(name) for name in self.specs}

    def _longer_than_limit(self, name: str) -> int:
        limit, store = self.specs[name].limit, self.stores[name]
        if limit is None:
            return 0
        ids = chain.from_iterable(facts.ids for facts in self.facts.values())
        return int((store.lengths(ids) > limit).sum())

    def _plan(self, split: str, shuffle: bool) -> Plan:
        """The batches of a split as a function of a random generator."""
        facts, options = self._facts_of(split), self.options
        if options.batching == "dialogue":
            return dialogue_plan(facts.dialogue, facts.turn, options.batch_size)
        if shuffle and options.batching == "paired":
            return paired_plan(facts.targets["emotion"] >= 0, options.batch_size)
        if shuffle and options.batching == "episodes":
            classes = facts.targets["emotion"]
            return episode_plan(classes, facts.targets, options.episodes, options.batch_size)
        training = shuffle and split == "train"
        if options.balanced and training:
            draw = balanced_rows(facts.targets["emotion"])
        else:
            draw = every_row(len(facts.ids))
        if options.batching == "length":
            plan = length_plan(draw, self.lengths(split), options.batch_size)
        else:
            plan = random_plan(draw, options.batch_size)
        return whole_batches(plan, options.batch_size) if options.drop_last and training else plan

    def _facts_of(self, split: str) -> Facts:
        check_choice("split", split, self.facts)
        return self.facts[split]

    def _stores_of(self, split: str) -> Mapping[str, FeatureStore]:
        return self.test_stores if split == "test" else self.stores


def _as_it_is(batch: Batch) -> Batch:
    return batch

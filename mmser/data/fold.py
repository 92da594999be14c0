"""One fold of a protocol over the caches: everything a training run asks of the data."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from mmser.core.batch import Batch
from mmser.core.task import Task
from mmser.data.checks import (
    check_balance,
    check_choice,
    check_complete,
    check_same_shapes,
    check_streams,
    find_word_stream,
    no_word_times,
    stream_shapes,
)
from mmser.data.collate import Collate
from mmser.data.dataset import Augmentation, Facts, PartDataset
from mmser.data.episodes import Episodes, episode_plan, paired_plan
from mmser.data.fitting import fit_transforms
from mmser.data.parts import fold_rows, make_facts, make_task, vote_labels
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
from mmser.data.transforms import Transforms
from mmser.settings.data import ALIGNMENTS, BATCHINGS, Alignment, Batching

if TYPE_CHECKING:
    import pandas as pd

    from mmser.cache.feature_store import FeatureStore

_log = logging.getLogger(__name__)


class FoldData:
    """Batches of one fold.

    ``stores`` and ``specs`` are keyed by stream. ``transforms`` and ``task`` are fitted on the
    training part unless given (a saved run gives back its own). ``labels`` maps emotion words to
    classes for annotators' votes (default: as the training part's consensus labels are mapped).
    ``test_stores`` replaces stores for the part "test" alone: another condition, such as ASR
    transcripts, with everything fitted on the clean training part. ``balanced`` draws training rows
    so that every class is equally likely. Batching ``paired`` (half labelled, half unlabelled rows)
    and ``episodes`` (see `mmser.data.episodes`) act on shuffled training batches alone.
    ``word_stream`` carries the word times of alignment "word" (default: the first stream that has
    any).

    A training utterance whose every stream is missing is dropped (``dropped`` counts them);
    elsewhere it stays, all masked. ``truncated`` counts, per stream, the utterances longer than its
    limit.
    """

    def __init__(
        self,
        manifest: pd.DataFrame,
        assignment: pd.DataFrame,
        fold: str,
        stores: Mapping[str, FeatureStore],
        specs: Mapping[str, StreamSpec],
        classes: Sequence[str] = (),
        values: Sequence[str] = (),
        batch_size: int = 32,
        alignment: Alignment = "native",
        grid_rate: float = 10.0,
        batching: Batching = "length",
        augmentation: Sequence[Augmentation] = (),
        workers: int = 0,
        seed: int = 0,
        labels: Mapping[str, str] | None = None,
        test_stores: Mapping[str, FeatureStore] | None = None,
        transforms: Transforms | None = None,
        task: Task | None = None,
        balanced: bool = False,
        word_stream: str | None = None,
        episodes: Mapping[str, Any] | None = None,
        drop_last: bool = False,
    ) -> None:
        check_streams(stores, specs)
        check_choice("alignment", alignment, ALIGNMENTS)
        check_choice("batching", batching, BATCHINGS)
        self.fold = str(fold)
        self.batch_size, self.batching, self.balanced = batch_size, batching, balanced
        self.alignment, self.grid_rate = alignment, grid_rate
        self.augmentation, self.workers, self.seed = tuple(augmentation), workers, seed
        self.episodes, self.drop_last = Episodes(**(episodes or {})), drop_last
        self.stores = {name: stores[name] for name in specs}
        self.specs = dict(specs)
        self._test_stores = self.stores | dict(test_stores or {})
        rows = fold_rows(manifest, assignment, fold)
        testing = rows["part"] == "test"
        check_complete(rows.loc[~testing, "id"], self.stores, self.specs)
        check_complete(rows.loc[testing, "id"], self._test_stores, self.specs)
        heard = rows["id"].map(
            lambda identifier: any(identifier in store for store in self.stores.values())
        )
        kept = rows[(rows["part"] != "train") | heard.astype(bool)]
        self.dropped = len(rows) - len(kept)
        training = kept[kept["part"] == "train"]
        self.task = task or make_task(training, classes, values)
        if balanced:
            check_balance(self.task.class_counts, batching)
        self._facts = make_facts(
            kept, self.task, vote_labels(training, classes) if labels is None else labels
        )
        self._shapes, sizes = stream_shapes(self.stores, self.specs)
        check_same_shapes(self._shapes, test_stores or {})
        self.word_stream = word_stream or (
            find_word_stream(self.stores) if alignment == "word" else None
        )
        if alignment == "word" and self.word_stream is None:
            raise no_word_times(self.stores)
        self.transforms = transforms or fit_transforms(self._facts, self.stores, self.specs)
        self.input_sizes: dict[str, int] = sizes | self.transforms.vocabulary_sizes()
        self.truncated = {name: self._count_truncated(name) for name in self.specs}
        self._report()

    def ids(self, part: str) -> tuple[str, ...]:
        """Utterances of a part, in the assignment's order."""
        return self._part(part).ids

    def labels(self, part: str) -> tuple[str | None, ...]:
        """Class names of a part, in the order of `ids`; None where unlabelled."""
        return self._part(part).labels

    def dataset(self, part: str, augment: bool = False) -> PartDataset:
        """The samples of a part, keyed by (epoch, row); only training data are ever augmented."""
        facts = self._part(part)
        return PartDataset(
            facts,
            self._test_stores if part == "test" else self.stores,
            self.specs,
            self.transforms,
            self.alignment,
            self.grid_rate,
            self.word_stream,
            self.augmentation if augment and part == "train" else (),
            self.seed,
        )

    def loader(self, part: str, shuffle: bool) -> DataLoader[Batch]:
        """Batches of a part. ``shuffle`` also switches augmentation and class balancing on
        (training part only).

        The order and every random change depend on (seed, epoch, utterance) alone, never on the
        number of workers: call ``loader.batch_sampler.set_epoch(epoch)`` before each epoch
        (Lightning does). Without ``shuffle`` length batching goes from short to long; row order is
        told by ``Batch.ids``.
        """
        dataset = self.dataset(part, augment=shuffle)
        if self.workers:
            for store in (self._test_stores if part == "test" else self.stores).values():
                store.check(self.ids(part))  # once here, not in every worker
        return DataLoader(
            dataset,  # type: ignore[arg-type]  # the loader's type is what it yields: batches
            batch_sampler=PlannedBatches(self._plan(part, shuffle), self.seed, shuffle),
            collate_fn=Collate(self._shapes, aligned=self.alignment != "native"),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
            # Its own generator: making a loader's iterator must not move the global one.
            generator=torch.Generator().manual_seed(self.seed),
        )

    def absent(self, part: str) -> dict[str, int]:
        """Number of utterances of a part without each stream."""
        stores = self._test_stores if part == "test" else self.stores
        return {name: sum(i not in store for i in self.ids(part)) for name, store in stores.items()}

    def lengths(self, part: str) -> np.ndarray:
        """(row,) steps summed over streams after the limit, each stream in units of its mean
        length.
        """
        stores = self._test_stores if part == "test" else self.stores
        total = np.zeros(len(self.ids(part)))
        for name, store in stores.items():
            limit = self.specs[name].limit or np.inf
            steps = np.array(
                [min(store.length(i), limit) if i in store else 0 for i in self.ids(part)],
                dtype=float,
            )
            total += steps / max(1.0, float(steps.mean()) if len(steps) else 1.0)
        return total

    def _plan(self, part: str, shuffle: bool) -> Plan:
        facts = self._part(part)
        if self.batching == "dialogue":
            return dialogue_plan(facts.dialogue, facts.turn, self.batch_size)
        if shuffle and self.batching == "paired":
            return paired_plan(facts.targets["emotion"] >= 0, self.batch_size)
        if shuffle and self.batching == "episodes":
            return episode_plan(
                facts.targets["emotion"], facts.targets, self.episodes, self.batch_size
            )
        balance = self.balanced and shuffle and part == "train"
        draw = balanced_rows(facts.targets["emotion"]) if balance else every_row(len(facts.ids))
        plan = random_plan(draw, self.batch_size)
        if self.batching == "length":
            plan = length_plan(draw, self.lengths(part), self.batch_size)
        return (
            whole_batches(plan, self.batch_size)
            if self.drop_last and shuffle and part == "train"
            else plan
        )

    def _part(self, part: str) -> Facts:
        check_choice("part", part, self._facts)
        return self._facts[part]

    def _count_truncated(self, name: str) -> int:
        limit, store = self.specs[name].limit, self.stores[name]
        if limit is None:
            return 0
        everyone = (identifier for facts in self._facts.values() for identifier in facts.ids)
        return sum(
            identifier in store and store.length(identifier) > limit for identifier in everyone
        )

    def _report(self) -> None:
        if self.dropped:
            _log.warning(
                "fold %s: %d training utterances have no stream at all: dropped",
                self.fold,
                self.dropped,
            )
        for name, count in self.truncated.items():
            if count:
                _log.info(
                    "fold %s: stream %s cut to %s steps in %d utterances",
                    self.fold,
                    name,
                    self.specs[name].limit,
                    count,
                )

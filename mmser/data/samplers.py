"""Which utterances share a batch, and in what order: a pure function of (seed, epoch).

A *plan* turns a random generator (None: no shuffling) into a list of batches of row numbers.
`PlannedBatches` deals the batches of a plan to the processes of a distributed run and tells the
dataset the epoch with every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch.distributed
from torch.utils.data import Sampler

Generator = np.random.Generator
Plan = Callable[[Generator | None], list[np.ndarray]]
Draw = Callable[[Generator | None], np.ndarray]

POOL = 50
"""Batches that are sorted together by length bucketing."""
JITTER = 0.1
"""Lengths are sorted as if up to this share shorter or longer, so that companions change from epoch
to epoch.
"""


class PlannedBatches(Sampler[list[tuple[int, int]]]):
    """Batch sampler of (epoch, row) pairs.

    ``set_epoch`` chooses the epoch's order; resuming at epoch n gives what an undisturbed run had
    there. Under DDP each process takes every ``num_replicas``-th batch (None: asks
    torch.distributed when iterated); with ``even`` the last round is filled from the first batches
    so that every process has as many, otherwise no row is seen twice unless there are fewer batches
    than processes.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int = 0,
        shuffle: bool = True,
        even: bool | None = None,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        self.plan = plan
        self.seed = seed
        self.shuffle = shuffle
        self.even = shuffle if even is None else even
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self._planned: tuple[int, list[np.ndarray]] | None = None

    @property
    def sampler(self) -> PlannedBatches:
        """Itself: trainers call ``loader.batch_sampler.sampler.set_epoch``."""
        return self

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def batches(self) -> list[np.ndarray]:
        """All batches of this epoch, of every process."""
        if self._planned is None or self._planned[0] != self.epoch:
            generator = np.random.default_rng([self.seed, self.epoch]) if self.shuffle else None
            self._planned = self.epoch, self.plan(generator)
        return self._planned[1]

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for batch in self._dealt():
            yield [(self.epoch, row) for row in batch.tolist()]

    def __len__(self) -> int:
        return len(self._dealt())

    def _dealt(self) -> list[np.ndarray]:
        """The batches of this process."""
        replicas, rank = self._place()
        batches = self.batches()
        # A process without any batch would not come where the others wait for it.
        missing = -len(batches) % replicas if self.even else max(0, replicas - len(batches))
        if batches and missing:
            batches = batches + [batches[i % len(batches)] for i in range(missing)]
        return batches[rank::replicas]

    def _place(self) -> tuple[int, int]:
        if self.num_replicas is not None:
            return self.num_replicas, self.rank or 0
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_world_size(), torch.distributed.get_rank()
        return 1, 0


def every_row(count: int) -> Draw:
    """Each of ``count`` rows once."""

    def draw(generator: Generator | None) -> np.ndarray:
        return np.arange(count) if generator is None else generator.permutation(count)

    return draw


def balanced_rows(classes: np.ndarray) -> Draw:
    """As many rows as there are, drawn with replacement so that every class is equally likely.

    ``classes`` (row,) long; rows below 0 (unlabelled) are never drawn. Without a generator: each
    row once.
    """
    labelled = np.flatnonzero(classes >= 0)
    counts = np.bincount(classes[labelled])
    chance = 1.0 / counts[classes[labelled]]

    def draw(generator: Generator | None) -> np.ndarray:
        if generator is None:
            return np.arange(len(classes))
        return generator.choice(labelled, size=len(classes), p=chance / chance.sum())

    return draw


def random_plan(draw: Draw, batch_size: int) -> Plan:
    """Consecutive batches of the drawn rows."""

    def plan(generator: Generator | None) -> list[np.ndarray]:
        return _cut(draw(generator), batch_size)

    return plan


def length_plan(draw: Draw, lengths: np.ndarray, batch_size: int) -> Plan:
    """Batches of about equal ``lengths`` (row,): little padding, still in random company.

    The drawn rows are dealt into pools of `POOL` batches, each pool is sorted by jittered length
    and cut into batches, and the batches are shuffled. Without a generator: all rows from short to
    long.
    """

    def plan(generator: Generator | None) -> list[np.ndarray]:
        rows = draw(generator)
        if generator is None:
            return _cut(rows[np.argsort(lengths[rows], kind="stable")], batch_size)
        jittered = lengths[rows] * generator.uniform(1 - JITTER, 1 + JITTER, len(rows))
        pools = _cut(np.arange(len(rows)), POOL * batch_size)
        batches: list[np.ndarray] = []
        for pool in pools:
            by_length = pool[np.argsort(jittered[pool])]
            batches += _cut(rows[by_length], batch_size)
        return [batches[place] for place in generator.permutation(len(batches))]

    return plan


def whole_batches(plan: Plan, batch_size: int) -> Plan:
    """``plan`` without its batches of fewer than ``batch_size`` rows, unless it has no others.

    Without a generator: all of them.
    """

    def whole(generator: Generator | None) -> list[np.ndarray]:
        batches = plan(generator)
        full = [batch for batch in batches if len(batch) == batch_size]
        return full if full and generator is not None else batches

    return whole


def dialogue_plan(dialogues: np.ndarray, turns: np.ndarray, batch_size: int) -> Plan:
    """Whole dialogues, in the order of their turns; ``batch_size`` utterances per batch on average.

    The number of dialogues per batch is fixed, so that every epoch has as many batches.
    """
    rows = np.lexsort((turns, dialogues))
    starts = np.flatnonzero(np.diff(dialogues[rows], prepend=dialogues[rows[:1]] - 1))
    groups = np.split(rows, starts[1:])
    together = max(1, round(batch_size * len(groups) / max(1, len(rows))))

    def plan(generator: Generator | None) -> list[np.ndarray]:
        order = np.arange(len(groups))
        if generator is not None:
            order = generator.permutation(len(groups))
        batches = []
        for places in _cut(order, together):
            dialogue_rows = [groups[place] for place in places]
            batches.append(np.concatenate(dialogue_rows))
        return batches

    return plan


def _cut(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [rows[first : first + batch_size] for first in range(0, len(rows), batch_size)]

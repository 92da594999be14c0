"""Plans of training across domains: half source, half target; or meta-learning episodes.

A plan maps a random generator (None: no shuffling, plain batches) to a list of batches of row
numbers, as in `mmser.data.samplers`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.samplers import Generator, Plan
from mmser.settings.data import Episodes

__all__ = ["Episodes", "episode_plan", "paired_plan"]


def paired_plan(labelled: np.ndarray, batch_size: int) -> Plan:
    """Batches of ``batch_size // 2`` labelled (source) and as many unlabelled (target) rows.

    The two are drawn independently.

    ``labelled`` (row,) bool. An epoch shows every labelled row once; target rows go round as often
    as needed. The last batch is smaller, and still half and half.
    """
    source, target = np.flatnonzero(labelled), np.flatnonzero(~labelled)
    if not len(source) or not len(target):
        raise MmserError(
            "labelled and unlabelled training utterances for batching=paired",
            f"{len(source)} and {len(target)}",
            "Give a target without labels (target_labels=false), or use batching=random.",
        )
    half = max(1, batch_size // 2)

    def plan(generator: Generator | None) -> list[np.ndarray]:
        if generator is None:
            return _cut(np.arange(len(labelled)), batch_size)
        sources = generator.permutation(source)
        rounds = -(-len(source) // len(target))
        targets = np.concatenate([generator.permutation(target) for _ in range(rounds)])
        halves = zip(_cut(sources, half), _cut(targets[: len(sources)], half), strict=True)
        return [np.concatenate(pair) for pair in halves]

    return plan


def episode_plan(
    classes: np.ndarray, domains: Mapping[str, np.ndarray], episodes: Episodes, batch_size: int
) -> Plan:
    """One batch per outer step, task after task: support rows class by class, then query rows.

    ``classes`` (row,) long, below 0 = unlabelled (never drawn); ``domains`` holds (row,) long
    arrays ``corpus`` and ``speaker``. A task draws its domain at random among those with two rows
    of every class. Support and query never share a row; a class with too few rows repeats some
    within its own side.
    """
    domain = np.zeros_like(classes) if episodes.by == "pool" else domains[episodes.by]
    pools = _pools(classes, domain)
    if not pools:
        raise MmserError(
            f"a {episodes.by} with two training utterances of every class",
            "none",
            "Choose another episodes.by.",
        )

    def plan(generator: Generator | None) -> list[np.ndarray]:
        if generator is None:
            return _cut(np.arange(len(classes)), batch_size)
        return [_outer_step(pools, episodes, generator) for _ in range(episodes.count)]

    return plan


def _pools(classes: np.ndarray, domain: np.ndarray) -> list[list[np.ndarray]]:
    """Of every usable domain: the rows of each class."""
    indices = range(int(classes.max(initial=-1)) + 1)
    pools = []
    for name in np.unique(domain):
        inside = domain == name
        pool = [np.flatnonzero(inside & (classes == index)) for index in indices]
        if pool and min(map(len, pool)) >= 2:
            pools.append(pool)
    return pools


def _outer_step(
    pools: list[list[np.ndarray]], episodes: Episodes, generator: Generator
) -> np.ndarray:
    rows = []
    for _ in range(episodes.tasks):
        support, query = [], []
        for members in pools[generator.integers(len(pools))]:
            shuffled = generator.permutation(members)
            # The query side never takes more than half of a small class.
            queried = min(episodes.query, len(shuffled) // 2)
            query.append(np.resize(shuffled[:queried], episodes.query))
            support.append(np.resize(shuffled[queried:], episodes.support))
        rows += [*support, *query]
    return np.concatenate(rows)


def _cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[first : first + size] for first in range(0, len(rows), size)]

"""Speakers in an order, and the fold that whole speakers make."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pandas as pd

from mmser.protocols.plan import Fold


def by_speaker(name: str, table: pd.DataFrame, validation: set[str], test: set[str]) -> Fold:
    """The fold that tests and validates these speakers, all they say; everyone else trains."""
    speaker, ids = table["speaker"], table["id"]
    is_test = speaker.isin(test)
    is_validation = speaker.isin(validation - test)
    is_train = ~is_validation & ~is_test
    return Fold(name, tuple(ids[is_train]), tuple(ids[is_validation]), tuple(ids[is_test]))


def by_gender(table: pd.DataFrame, seed: int) -> list[list[str]]:
    """The speakers of each gender, shuffled by ``seed``; the largest gender first."""
    gender = table.drop_duplicates("speaker").set_index("speaker")["gender"]
    draw = random.Random(seed)
    queues = []
    for kind in sorted(gender.unique()):
        queue = sorted(gender.index[gender == kind])
        draw.shuffle(queue)
        queues.append(queue)
    return sorted(queues, key=len, reverse=True)


def speaker_ring(table: pd.DataFrame, seed: int) -> list[str]:
    """Every speaker once, genders alternating as far as they go."""
    queues = by_gender(table, seed)
    width = len(queues[0]) if queues else 0
    return [queue[place] for place in range(width) for queue in queues if place < len(queue)]


def following(ring: Sequence[str], member: str, count: int) -> set[str]:
    """The next ``count`` members after ``member`` on the ring."""
    place = ring.index(member)
    return {ring[(place + step) % len(ring)] for step in range(1, count + 1)}

"""Batch plans: coverage, determinism, little padding, whole dialogues, fair shares under DDP."""

from __future__ import annotations

import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmser.data.samplers import (
    PlannedBatches,
    balanced_rows,
    dialogue_plan,
    every_row,
    length_plan,
    random_plan,
    whole_batches,
)

LENGTHS = np.random.default_rng(0).lognormal(5, 0.6, 1000)


def rows(sampler: PlannedBatches) -> list[list[int]]:
    return [[row for _, row in batch] for batch in sampler]


def padded(batches: list[list[int]] | list[np.ndarray]) -> float:
    return sum(len(batch) * LENGTHS[batch].max() for batch in batches)


@pytest.mark.parametrize(
    "plan", [random_plan(every_row(1000), 32), length_plan(every_row(1000), LENGTHS, 32)]
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_row_once(plan, shuffle):
    sampler = PlannedBatches(plan, seed=1, shuffle=shuffle)
    batches = rows(sampler)
    assert sorted(row for batch in batches for row in batch) == list(range(1000))
    assert len(sampler) == len(batches) == 32
    assert max(map(len, batches)) == 32


@pytest.mark.parametrize(
    "plan", [random_plan(every_row(1000), 32), length_plan(every_row(1000), LENGTHS, 32)]
)
def test_whole_batches_alone(plan):
    whole = whole_batches(plan, 32)
    assert [len(batch) for batch in whole(np.random.default_rng(0))] == [32] * 31
    assert sum(map(len, whole(None))) == 1000
    assert [
        len(batch)
        for batch in whole_batches(random_plan(every_row(5), 32), 32)(np.random.default_rng(0))
    ] == [5]


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed: int, epoch: int) -> list[list[int]]:
        sampler = PlannedBatches(length_plan(every_row(1000), LENGTHS, 32), seed)
        sampler.set_epoch(epoch)
        return rows(sampler)

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3) and order(1, 2) != order(2, 2)
    # Not the batches in another order: other companions.
    assert {frozenset(batch) for batch in order(1, 2)} != {
        frozenset(batch) for batch in order(1, 3)
    }


def test_rows_carry_their_epoch_and_trainers_can_set_it():
    sampler = PlannedBatches(random_plan(every_row(5), 2))
    loader = DataLoader(list(range(5)), batch_sampler=sampler)
    loader.batch_sampler.sampler.set_epoch(7)
    assert {epoch for batch in sampler for epoch, _ in batch} == {7}


def test_buckets_pad_less_than_chance():
    generator = np.random.default_rng(0)
    bucketed = padded(length_plan(every_row(1000), LENGTHS, 32)(generator))
    chance = padded(random_plan(every_row(1000), 32)(generator))
    assert chance / bucketed > 2
    assert bucketed / LENGTHS.sum() < 1.2


def test_batches_of_like_length_come_in_random_order():
    longest = [
        LENGTHS[batch].max()
        for batch in length_plan(every_row(1000), LENGTHS, 32)(np.random.default_rng(0))
    ]
    assert 10 < (np.diff(longest) > 0).sum() < 22


def test_dialogues_stay_whole_and_in_order():
    generator = np.random.default_rng(3)
    dialogues = generator.permutation(np.repeat(np.arange(20), generator.integers(1, 9, 20)))
    turns = generator.permutation(len(dialogues))
    plan = dialogue_plan(dialogues, turns, 16)
    for shuffle in (True, False):
        sampler = PlannedBatches(plan, 0, shuffle)
        batches = rows(sampler)
        assert sorted(row for batch in batches for row in batch) == list(range(len(dialogues)))
        homes = [{int(d) for d in dialogues[batch]} for batch in batches]
        assert sum(map(len, homes)) == 20
        for batch in batches:
            for dialogue in set(dialogues[batch]):
                inside = [row for row in batch if dialogues[row] == dialogue]
                places = [batch.index(row) for row in inside]
                assert places == list(range(places[0], places[0] + len(places)))
                assert list(turns[inside]) == sorted(turns[inside])


def test_every_epoch_has_as_many_batches_of_dialogues():
    dialogues = np.repeat(np.arange(17), np.arange(17) + 1)
    sampler = PlannedBatches(dialogue_plan(dialogues, np.arange(len(dialogues)), 20))
    counts = set()
    for epoch in range(10):
        sampler.set_epoch(epoch)
        counts.add(len(rows(sampler)))
    assert counts == {len(sampler)}


def test_balanced_rows_are_balanced_and_labelled():
    classes = np.array([0] * 900 + [1] * 90 + [-100] * 10)
    drawn = balanced_rows(classes)(np.random.default_rng(0))
    assert len(drawn) == 1000
    assert (classes[drawn] >= 0).all()
    assert abs((classes[drawn] == 1).mean() - 0.5) < 0.06


@pytest.mark.parametrize("count", [1000, 1010, 17])
def test_processes_share_the_batches(count):
    def shares(shuffle: bool) -> list[list[list[int]]]:
        plan = random_plan(every_row(count), 32)
        return [
            rows(PlannedBatches(plan, 5, shuffle, num_replicas=3, rank=rank)) for rank in range(3)
        ]

    training, evaluation = shares(True), shares(False)
    assert len({len(share) for share in training}) == 1
    assert {row for share in training for batch in share for row in batch} == set(range(count))
    # Fewer batches than processes: each has one all the same.
    times = 3 if count <= 32 else 1
    seen = sorted(row for share in evaluation for batch in share for row in batch)
    assert seen == sorted([*range(count)] * times) and all(evaluation)
    sampler = PlannedBatches(random_plan(every_row(count), 32), 5, False, num_replicas=3, rank=2)
    assert len(sampler) == len(evaluation[2])

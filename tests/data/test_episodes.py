"""Batches across domains: halves are halves, support and query never share a row, one domain per
task.
"""

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.episodes import Episodes, episode_plan, paired_plan

CLASSES = np.array([-100] * 5 + [0, 1, 2, 3] * 20)
DOMAINS = {
    "corpus": np.array([0] * 5 + [0] * 40 + [1] * 40),
    "speaker": np.array([9] * 5 + list(np.arange(80) // 16)),
}


def test_pairs_are_half_labelled_and_every_source_row_comes_once():
    labelled = np.arange(50) < 37
    batches = paired_plan(labelled, 10)(np.random.default_rng(0))
    assert all(labelled[batch].sum() * 2 == len(batch) for batch in batches)
    rows = np.concatenate(batches)
    assert sorted(rows[labelled[rows]]) == list(range(37))
    assert np.bincount(rows[~labelled[rows]], minlength=50)[37:].min() >= 2


def test_pairs_without_a_target_are_refused():
    with pytest.raises(MmserError, match="found 5 and 0"):
        paired_plan(np.ones(5, bool), 4)


@pytest.mark.parametrize("by", ["corpus", "speaker", "pool"])
def test_an_episode_is_support_then_query_of_one_domain(by):
    episodes = Episodes(tasks=3, support=2, query=1, count=20, by=by)
    batches = episode_plan(CLASSES, DOMAINS, episodes, 8)(np.random.default_rng(0))
    assert len(batches) == 20
    seen = set()
    for batch in batches:
        assert len(batch) == 3 * 4 * 3
        for task in batch.reshape(3, 12):
            support, query = task[:8], task[8:]
            assert list(CLASSES[support]) == [0, 0, 1, 1, 2, 2, 3, 3]
            assert list(CLASSES[query]) == [0, 1, 2, 3]
            assert not set(support) & set(query)
            if by != "pool":
                assert len(set(DOMAINS[by][task])) == 1
                seen.add(int(DOMAINS[by][task][0]))
    assert by == "pool" or len(seen) == len(set(DOMAINS[by][5:]))


def test_a_small_class_repeats_within_its_own_side():
    classes = np.array([0, 0, 0, 1, 1, 1])
    plan = episode_plan(
        classes, {"corpus": np.zeros(6, int)}, Episodes(tasks=4, support=5, query=4, count=5), 2
    )
    for batch in plan(np.random.default_rng(3)):
        for task in batch.reshape(4, 18):
            assert not set(task[:10]) & set(task[10:])
            assert list(classes[task]) == [0] * 5 + [1] * 5 + [0] * 4 + [1] * 4


def test_the_same_generator_gives_the_same_episodes():
    plan = episode_plan(CLASSES, DOMAINS, Episodes(count=3), 8)
    first, second = (plan(np.random.default_rng(7)) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_without_a_usable_domain_it_says_so():
    with pytest.raises(MmserError, match="a speaker with two training utterances of every class"):
        episode_plan(np.array([0, 1]), {"speaker": np.array([0, 1])}, Episodes(by="speaker"), 2)


def test_nonsense_is_refused():
    with pytest.raises(MmserError, match=r"data\.episodes\.tasks to be a whole number from 1"):
        Episodes(tasks=0)

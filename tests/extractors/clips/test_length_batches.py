"""Batches of similar length."""

from hypothesis import given
from hypothesis import strategies as st

from mmser.extractors.clips.length_batches import cheapest_count, length_batches, packed_count


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 120))
def test_batches_hold_everything_once_within_the_bound(lengths: list[int], limit: int) -> None:
    batches = list(length_batches(lengths, limit))
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[position] for position in batch) <= limit


def test_the_cheapest_count_weighs_padding_against_batches() -> None:
    lengths = [10, 10, 10, 9, 2, 2, 2]
    assert cheapest_count(lengths, 1000, overhead=5) == 4
    assert cheapest_count(lengths, 1000, overhead=1e6) == 7
    assert cheapest_count(lengths, 30, overhead=1e6) == 3
    assert cheapest_count(lengths, 5, overhead=3) == 1
    assert cheapest_count([4] * 9, 1000, overhead=0) == 9


def test_a_packed_batch_is_bounded_by_what_is_real_and_by_twice_as_much_padded() -> None:
    assert packed_count([10, 9, 8, 7], 27) == 3
    assert packed_count([10, 1, 1, 1, 1], 15) == 3
    assert packed_count([10, 9], 5) == 1

"""How batches are made, as options."""

import pytest

from mmser.core.errors import UsageError
from mmser.data.batching import BatchOptions


def test_a_way_of_batching_that_there_is_not() -> None:
    with pytest.raises(UsageError, match=r"batching to be one of length, random, .*found 'rows'"):
        BatchOptions(batching="rows")


def test_by_default_nothing_is_drawn_or_dropped() -> None:
    options = BatchOptions()
    assert (options.batching, options.balanced, options.drop_last) == ("length", False, False)

"""Statistics over time keep the span, the notes and the failures of what they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.clip import Failure, Features
from mmser.extractors.networks.time_statistics import statistics_of


def test_rows_with_spans_reach_to_the_last_one() -> None:
    spans = np.array([[0.0, 0.5], [2.0, 2.5]], dtype=np.float32)
    rows = Features(np.array([[1.0], [3.0]]), frame_rate=2.0, spans=spans, notes="no face in 3")
    statistics = statistics_of(rows)
    assert statistics.values.tolist() == [[2.0, 1.0]]
    assert statistics.spans.tolist() == [[0.0, 2.5]]
    assert statistics.notes == "no face in 3"


def test_a_failure_stays_a_failure() -> None:
    failure = Failure("c", "no face")
    assert statistics_of(failure) is failure


def test_rows_without_time_have_no_statistics_over_it() -> None:
    with pytest.raises(ValueError, match="a rate or spans"):
        statistics_of(Features(np.zeros((2, 1))))

"""The recording whose features are unlike the others' is the farthest."""

import numpy as np
import pytest
from makers.cache_stores import entries, fill

from mmser.cache.store import Store
from mmser.extraction.vector_distance import NEIGHBOUR, distances, vectors_of


def test_vectors_are_standardised_means_of_what_is_stored(tmp_path):
    store = Store(fill(tmp_path, entries()))
    ids = [f"u{number:02d}" for number in range(30)]
    known, vectors = vectors_of(store, [*ids, "stranger"])
    assert known == [key for key in ids if key in store] and len(known) < 30
    assert vectors.mean(axis=0) == pytest.approx(np.zeros(8), abs=1e-5)
    assert vectors.std(axis=0) == pytest.approx(np.ones(8), abs=1e-5)


def test_distance_to_the_fifth_nearest():
    line = np.arange(600, dtype=np.float32)[:, None]
    line[-1] = 1000
    far = distances(line)
    assert far[300] == pytest.approx(3, abs=0.05)  # 1, 1, 2, 2, 3
    assert far[-1] == pytest.approx(1000 - 594, abs=0.05)
    assert np.isnan(distances(line[:NEIGHBOUR])).all()

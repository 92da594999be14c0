"""What every kind of store answers alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from makers.cache_stores import entries, fill, recipe

from mmser.cache.feature_store import FeatureStore
from mmser.cache.joined import JoinedStore
from mmser.cache.memory import MemoryStore
from mmser.cache.store import Store


@pytest.fixture(params=["folder", "memory", "joined"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FeatureStore:
    made = entries(20)
    if request.param == "memory":
        return MemoryStore(recipe().info(), {each.id: each.result for each in made})
    if request.param == "folder":
        return Store(fill(tmp_path, made))
    halves = {
        "a": Store(fill(tmp_path / "a", made[:9])),
        "b": Store(fill(tmp_path / "b", made[9:])),
    }
    return JoinedStore(halves)


def test_lengths_of_many_are_those_of_each(store: FeatureStore) -> None:
    asked = ["u19", "u00", "u06", "unknown", "u00"]
    expected = [store.length(key) if key in store else 0 for key in asked]
    assert expected == [24, 5, 0, 0, 5]
    assert store.lengths(asked).tolist() == expected
    assert store.lengths(iter(asked)).tolist() == expected and len(store.lengths([])) == 0


def test_a_failed_utterance_is_known(store: FeatureStore) -> None:
    assert store.knows("u06") and "u06" not in store
    assert store.knows("u00") and not store.knows("unknown")

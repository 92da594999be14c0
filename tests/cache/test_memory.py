"""A store in memory reads as the same features do from the disk."""

from pathlib import Path

import numpy as np
from makers.cache_stores import entries, fill

from mmser.cache.feature_store import FeatureStore
from mmser.cache.joined import JoinedStore
from mmser.cache.memory import MemoryStore
from mmser.cache.store import Store


def read(store: FeatureStore) -> dict[str, tuple]:
    """Everything a reader asks of each utterance that has values."""
    return {
        identifier: (
            store.read(identifier).tobytes(),
            None if (spans := store.spans(identifier)) is None else spans.tobytes(),
            store.frame_rate(identifier),
            store.length(identifier),
        )
        for identifier in store.ids
    }


def test_three_kinds_of_store_give_the_same_features(tmp_path: Path) -> None:
    made = entries()
    disk = Store(fill(tmp_path, made))
    memory = MemoryStore(disk.info, {entry.id: entry.result for entry in made})
    for store in (memory, JoinedStore({"corpus": disk}), JoinedStore({"corpus": memory})):
        assert read(store) == read(disk)
        assert list(store.index["id"]) == list(disk.index["id"])
        assert store.index["error"].tolist() == disk.index["error"].tolist()
        assert store.info["fingerprint"] == disk.info["fingerprint"]


def test_a_failed_utterance_is_in_the_index_alone() -> None:
    store = MemoryStore({"dtype": "float32"}, {entry.id: entry.result for entry in entries(7)})
    assert "u06" not in store and "u06" in set(store.index["id"])
    assert 6 not in store


def test_there_is_no_file_to_check() -> None:
    store = MemoryStore({"dtype": "float32"}, {entry.id: entry.result for entry in entries(3)})
    store.check(["u00"])
    assert store.unchecked_bytes() == 0
    assert store.read("u00").dtype == np.float32

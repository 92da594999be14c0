"""Reading back what was written, in this process and in others; distrust of the index."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mmser.cache.index import read_rows, write_index
from mmser.cache.store import Store
from mmser.core.errors import MmserError
from mmser.core.tables import INDEX_COLUMNS


@pytest.fixture
def made():
    generator = np.random.default_rng(0)
    made = {}
    for number in range(30):
        made[f"u{number:02d}"] = generator.normal(size=(5 + number, 8)).astype(np.float32)
    return made


def test_values_spans_and_rates_come_back(filled: Path, made):
    store = Store(filled)
    assert len(store) == 26 and len(store.ids) == 26
    for number, (key, values) in enumerate(made.items()):
        if number % 7 == 6:
            assert key not in store
            continue
        assert store.read(key).dtype == np.float16
        np.testing.assert_array_equal(store.read(key), values.astype(np.float16))
        assert store.length(key) == 5 + number
        if number % 3 == 0:
            np.testing.assert_array_equal(store.spans(key)[:, 1], np.arange(5 + number) + 0.5)
            assert store.frame_rate(key) is None
        else:
            assert store.spans(key) is None and store.frame_rate(key) == 100.0


def test_index_and_info(filled: Path):
    store = Store(filled)
    assert tuple(store.index.columns[: len(INDEX_COLUMNS)]) == INDEX_COLUMNS
    failed = store.index[store.index.status == "failed"]
    assert list(failed.id) == ["u06", "u13", "u20", "u27"]
    assert (
        set(failed.error) == {"no face"}
        and set(failed.detail) == {"black"}
        and set(failed.shard) == {""}
    )
    assert store.index.notes[0] == "3 faces" and store.index.dimension[0] == "8"
    assert store.index.shard.nunique() > 3
    facts = {
        "extractor": "fake",
        "parameters": {"window": 25},
        "feature_shape": [8],
        "dtype": "float16",
    }
    assert facts.items() <= store.info.items()
    assert (
        store.info["complete"]
        and not store.info["random_weights"]
        and store.info["transcript"] is None
    )


def test_arrays_are_read_only_views_of_one_mapping(filled: Path):
    store = Store(filled)
    values = store.read("u00")
    assert np.shares_memory(values, store.read("u00"))
    with pytest.raises(ValueError, match="read-only"):
        values[:] = 0


def read_in_child(store: Store, queue) -> None:
    queue.put(float(store.read("u05").astype(np.float64).sum()))


def test_an_opened_store_works_after_a_fork(filled: Path):
    store = Store(filled)
    expected = float(store.read("u05").astype(np.float64).sum())
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=read_in_child, args=(store, queue))
    child.start()
    assert queue.get(timeout=30) == expected
    child.join()


def test_an_opened_store_can_be_sent_to_a_spawned_worker(filled: Path):
    store = Store(filled)
    expected = store.read("u05")
    again = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own object
    assert again._shards == {}
    np.testing.assert_array_equal(again.read("u05"), expected)


def test_shards_are_opened_anew_after_a_fork(filled: Path, monkeypatch: pytest.MonkeyPatch):
    store = Store(filled)
    store.read("u00")
    mine = dict(store._shards)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    store.read("u00")
    assert store._shards.keys() == mine.keys() and all(
        store._shards[key] is not mine[key] for key in mine
    )


def test_failed_and_unknown_utterances_raise(filled: Path):
    store = Store(filled)
    with pytest.raises(MmserError, match="failed: no face black"):
        store.read("u06")
    with pytest.raises(MmserError, match=r"utterance nobody in .* found no such row"):
        store.spans("nobody")


def test_no_cache_directory(tmp_path: Path):
    with pytest.raises(
        MmserError, match=r"expected a cache directory; found no info.json .*mmser preprocess"
    ):
        Store(tmp_path)


def test_damaged_index(filled: Path):
    index = filled / "index.parquet"
    content = bytearray(index.read_bytes())
    content[len(content) // 3] ^= 255
    index.write_bytes(content)
    with pytest.raises(MmserError, match="expected a readable index"):
        Store(filled)


def test_index_without_a_column(filled: Path):
    table = pq.read_table(filled / "index.parquet").drop_columns(["digest"])
    pq.write_table(table, filled / "index.parquet")
    with pytest.raises(MmserError, match="no digest"):
        Store(filled)


@pytest.mark.parametrize(
    "shard", ["../../secret.safetensors", "/etc/passwd", "index.parquet", "shard-1.safetensors"]
)
def test_an_index_cannot_lead_out_of_the_folder(filled: Path, shard: str):
    rows = read_rows(filled / "index.parquet")
    rows[0]["shard"] = shard
    write_index(filled / "index.parquet", rows)
    with pytest.raises(MmserError, match="expected shards inside"):
        Store(filled).read("u00")


def test_a_linked_shard_is_refused(filled: Path, tmp_path: Path):
    shard = filled / "shard-00000.safetensors"
    shard.rename(tmp_path / "elsewhere.safetensors")
    shard.symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(MmserError, match="expected shards inside"):
        Store(filled).read("u00")


def test_an_index_that_lies_about_the_shape(filled: Path):
    rows = read_rows(filled / "index.parquet")
    rows[0]["length"] += 1
    write_index(filled / "index.parquet", rows)
    with pytest.raises(MmserError, match=r"expected 6 rows of 8 for u00; found shape \(5, 8\)"):
        Store(filled).read("u00")


def test_missing_and_cut_shards_raise(filled: Path):
    (filled / "shard-00000.safetensors").unlink()
    second = filled / "shard-00001.safetensors"
    second.write_bytes(second.read_bytes()[:-100])
    store = Store(filled)
    rows = store.index.set_index("id")
    for number in (0, 1):
        key = rows.index[(rows.shard == f"shard-{number:05d}.safetensors")][0]
        with pytest.raises(
            MmserError,
            match=r"Delete .* and run: mmser preprocess corpus=corpus extractors=\[fake\]",
        ):
            store.read(key)


@pytest.mark.parametrize("changes", [{"length": "many"}, {"id": None}, {"commit": 2.5}])
def test_an_index_of_other_types_is_refused(filled: Path, changes: dict[str, object]):
    table = pq.read_table(filled / "index.parquet").to_pandas().assign(**changes)
    table.to_parquet(filled / "index.parquet")
    with pytest.raises(
        MmserError, match=rf"expected a readable index at .*; found .* Delete {filled} and run"
    ):
        Store(filled)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 30, b"\x00" * 4096])
def test_an_index_that_is_no_table_is_refused(filled: Path, content: bytes):
    (filled / "index.parquet").write_bytes(content)
    with pytest.raises(MmserError, match="expected a readable index"):
        Store(filled)

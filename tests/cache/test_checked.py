"""A damaged shard is noticed before a value of it is used, and a sound one is read through once."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from mmser.cache import checked
from mmser.cache.store import Store
from mmser.core.errors import MmserError

SHARD = "shard-00001.safetensors"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read through."""
    names: list[str] = []
    whole = checked.file_digest

    def noted(path: Path) -> str:
        names.append(path.name)
        return whole(path)

    monkeypatch.setattr(checked, "file_digest", noted)
    return names


def damage(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def one_in(store: Store, shard: str) -> str:
    return next(row.id for row in store.index.itertuples() if row.shard == shard)


@pytest.mark.parametrize("place", [0.2, 0.4, 0.5, 0.6, 0.8, 0.999])
def test_a_flipped_bit_is_noticed_before_a_value_is_used(filled: Path, place: float) -> None:
    path = filled / SHARD
    damage(path, int(place * path.stat().st_size))
    store = Store(filled)
    with pytest.raises(
        MmserError,
        match=rf"{SHARD} as preprocessing wrote it; found another checksum.* Delete {filled}",
    ):
        store.read(one_in(store, SHARD))
    with pytest.raises(MmserError, match="another checksum"):
        Store(filled).check()


def test_each_file_is_read_through_once(filled: Path, hashed: list[str]) -> None:
    store = Store(filled)
    for identifier in store.ids:
        store.read(identifier)
    assert sorted(hashed) == sorted(set(store.index.shard) - {""})
    again = Store(filled)
    again.check()
    again.read(one_in(again, SHARD))
    assert len(hashed) == len(set(hashed)) and again.unchecked_bytes() == 0


def test_only_the_shards_of_some_utterances(filled: Path, hashed: list[str]) -> None:
    store = Store(filled)
    store.check([one_in(store, SHARD), "nobody", "u06"])  # unknown, failed
    assert hashed == [SHARD]


def test_a_file_that_changed_since_is_read_again(filled: Path, hashed: list[str]) -> None:
    Store(filled).check()
    damage(filled / SHARD, -5)
    store = Store(filled)
    assert store.unchecked_bytes() == (filled / SHARD).stat().st_size
    with pytest.raises(MmserError, match="another checksum"):
        store.read(one_in(store, SHARD))
    assert hashed[-1] == SHARD


def test_a_worker_trusts_what_its_parent_has_read(
    filled: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(filled)
    store.check()
    sent, read = pickle.dumps(store), len(hashed)
    monkeypatch.setattr(checked, "_verified", {})  # as in a spawned process
    worker = pickle.loads(sent)  # noqa: S301 - our own object
    worker.read(one_in(worker, SHARD))
    assert len(hashed) == read
    os.utime(filled / SHARD)
    worker = pickle.loads(sent)  # noqa: S301 - our own object
    worker.read(one_in(worker, SHARD))
    assert hashed[read:] == [SHARD]


def test_a_missing_shard(filled: Path) -> None:
    (filled / SHARD).unlink()
    with pytest.raises(MmserError, match=rf"the shard .*{SHARD}; found no such file"):
        Store(filled).check()

"""Digests and batches."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmser.extractors import weights
from mmser.extractors.batching import length_batches
from mmser.extractors.weights import digest


def test_the_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"abc")
    assert digest(tmp_path / "w.bin") == hashlib.sha256(b"abc").hexdigest()


def test_the_digest_of_a_folder_sees_names_and_contents_not_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    before = digest(tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x").write_bytes(b"3")
    assert digest(tmp_path) == before
    (tmp_path / "b").rename(tmp_path / "c")
    assert digest(tmp_path) != before


def test_large_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_SIDECAR_FROM", 3)
    file = tmp_path / "w.bin"
    file.write_bytes(b"abc")
    value = digest(file)
    sidecar = tmp_path / "w.bin.sha256.json"
    known = json.loads(sidecar.read_text())
    assert known["sha256"] == value
    weights._file_digest.cache_clear()
    sidecar.write_text(json.dumps(known | {"sha256": "kept"}))
    assert digest(file) == "kept"
    weights._file_digest.cache_clear()
    file.write_bytes(b"abcd")
    assert digest(file) == hashlib.sha256(b"abcd").hexdigest()


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 120))
def test_batches_hold_everything_once_within_the_bound(lengths: list[int], limit: int) -> None:
    batches = list(length_batches(lengths, limit))
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[position] for position in batch) <= limit

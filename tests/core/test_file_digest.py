"""Digests of files and folders."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from mmser.core import file_digest
from mmser.core.file_digest import digest


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
    monkeypatch.setattr(file_digest, "_SIDECAR_FROM", 3)
    file = tmp_path / "w.bin"
    file.write_bytes(b"abc")
    value = digest(file)
    sidecar = tmp_path / "w.bin.sha256.json"
    known = json.loads(sidecar.read_text())
    assert known["sha256"] == value
    file_digest._file_digest.cache_clear()
    sidecar.write_text(json.dumps(known | {"sha256": "kept"}))
    assert digest(file) == "kept"
    file_digest._file_digest.cache_clear()
    file.write_bytes(b"abcd")
    assert digest(file) == hashlib.sha256(b"abcd").hexdigest()

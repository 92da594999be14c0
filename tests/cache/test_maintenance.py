"""Damage is found, descriptions are right, and only what nobody needs is removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from makers.cache_stores import entries, fill, recipe

from mmser.cache.index import read_rows, write_index
from mmser.cache.lock import locked
from mmser.cache.maintenance import gc, info, verify
from mmser.cache.store import Store
from mmser.cache.transcripts import TranscriptEntry, open_transcripts
from mmser.cache.writer import open_writer
from mmser.core.clip import Transcript
from mmser.core.errors import MmserError


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def problems(directory: Path) -> dict[str, str]:
    table = verify(directory)
    return dict(zip(table.file[~table.ok], table.problem[~table.ok], strict=True))


def test_a_sound_cache_verifies(filled: Path, tmp_path: Path):
    table = verify(tmp_path)
    assert (
        table.ok.all() and len(table) == 2 + Store(filled).index.shard[lambda s: s != ""].nunique()
    )


def test_one_flipped_bit_is_found(filled: Path):
    flip(filled / "shard-00001.safetensors", -5)
    assert problems(filled) == {"shard-00001.safetensors": "checksum differs"}


def test_other_damage_is_found(filled: Path):
    (filled / "shard-00000.safetensors").unlink()
    assert problems(filled) == {"shard-00000.safetensors": "missing"}
    flip(filled / "index.parquet", 100)
    assert "index.parquet" in problems(filled)
    (filled / "info.json").write_text("{")
    assert "info.json" in problems(filled)


def test_an_index_that_disagrees_with_its_shard_is_found(filled: Path):
    rows = read_rows(filled / "index.parquet")
    rows[2]["length"] += 1
    write_index(filled / "index.parquet", rows)
    assert problems(filled) == {"shard-00000.safetensors": "u02 has shape 7x8"}


def test_info_describes(filled: Path, tmp_path: Path):
    row = info(tmp_path).iloc[0]
    assert (row.extractor, row.feature, row["dtype"], row.ok, row.failed) == (
        "fake",
        "8",
        "float16",
        26,
        4,
    )
    assert row.reasons == "no face 4" and row.complete and not row.random_weights


def test_transcripts_are_verified_and_described(tmp_path: Path):
    what = recipe(name="transcript", transcript={"source": "asr"})
    directory = tmp_path / "corpus" / f"transcript@asr-{what.fingerprint}"
    with open_transcripts(directory, what) as writer:
        writer.add([TranscriptEntry("u0", "d", Transcript("hello", "asr"))])
        writer.finish()
    assert verify(tmp_path).ok.all() and info(tmp_path).ok[0] == 1
    flip(directory / "transcripts.parquet", 40)
    assert "transcripts.parquet" in problems(tmp_path)


def test_nothing_to_look_at(tmp_path: Path):
    with pytest.raises(MmserError, match=r"expected caches in .*; found none"):
        verify(tmp_path)


def test_gc_lists_first_and_removes_when_told(filled: Path, tmp_path: Path):
    orphan = filled / "shard-00099.safetensors"
    orphan.write_bytes(b"x" * 10)
    (filled / "index.parquet.tmp").write_bytes(b"")
    (filled / "part-00000-000000.safetensors").write_bytes(b"x")
    before = Store(filled).index
    listed = gc(tmp_path)
    assert set(listed.why) == {"temporary file", "shard no row refers to", "part already merged"}
    assert orphan.exists() and not listed.removed.any() and listed.bytes.sum() == 11
    assert gc(tmp_path, apply=True).removed.all()
    assert not orphan.exists() and gc(tmp_path).empty
    assert verify(tmp_path).ok.all() and Store(filled).index.equals(before)


def test_gc_keeps_interrupted_work_unless_asked(tmp_path: Path):
    what = recipe()
    directory = tmp_path / "corpus" / f"fake-{what.fingerprint}"
    with open_writer(directory, what) as writer:
        writer.add(entries(3))
    assert gc(tmp_path).empty
    assert list(gc(tmp_path, apply=True, unfinished=True).why) == ["part of an interrupted job"]
    assert [path.name for path in directory.iterdir()] == ["info.json"]


def test_gc_of_older_fingerprints_only_on_request(tmp_path: Path):
    old = fill(tmp_path, entries(3), parameters={"window": 25})
    new = fill(tmp_path, entries(3), parameters={"window": 32})
    assert gc(tmp_path, apply=True).empty and old.exists()
    assert set(gc(tmp_path, apply=True, old=True).why) == {"older fingerprint"}
    assert not old.exists() and verify(new).ok.all()


def test_gc_leaves_a_store_in_use_alone(filled: Path, tmp_path: Path):
    (filled / "index.parquet.tmp").write_bytes(b"")
    with locked(filled.with_name(filled.name + ".lock")):
        table = gc(tmp_path, apply=True)
    assert table.why[0].startswith("in use: process") and (filled / "index.parquet.tmp").exists()

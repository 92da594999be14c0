"""A store's tables grow by pieces: the cost of a step, and the bytes at the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from makers.cache_stores import entries, fill, recipe

from mmser.cache import growing
from mmser.cache.entry import Entry
from mmser.cache.index import read_rows, write_index
from mmser.cache.maintenance import gc, verify
from mmser.cache.pieces import pieces_of
from mmser.cache.store import Store
from mmser.cache.transcripts import TranscriptEntry, TranscriptStore, open_transcripts
from mmser.cache.writer import open_writer
from mmser.core.clip import Features, Transcript
from mmser.core.errors import MmserError

SHARD_BYTES = 4000
STEP = 4


class Cut(BaseException):
    """Stands for the end of the process."""


def made(count: int, again: int = 0) -> list[Entry]:
    """Utterances of one size; the first ``again`` come once more at the end, changed."""
    values = [Features(np.full((50, 4), number, np.float32), 10.0) for number in range(count)]
    new = [Entry(f"u{n:05d}", "old", each) for n, each in enumerate(values)]
    return new + [Entry(each.id, "new", each.result) for each in new[:again]]


def add(folder: Path, some: list[Entry], finish: bool = False) -> None:
    with open_writer(folder, recipe(), SHARD_BYTES) as writer:
        for at in range(0, len(some), STEP):
            writer.add(some[at : at + STEP])
        if finish:
            writer.finish()


def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """(name, rows) of every table that is written from now on."""
    seen: list[tuple[str, int]] = []
    original = growing.write_table

    def write(path: Path, table) -> None:
        seen.append((path.name, table.num_rows))
        original(path, table)

    monkeypatch.setattr(growing, "write_table", write)
    return seen


def test_a_commit_writes_its_own_rows_alone(tmp_path: Path, monkeypatch) -> None:
    seen = written(monkeypatch)
    some = made(400)
    with open_writer(tmp_path / "store", recipe(), SHARD_BYTES) as writer:
        for entry in some:
            writer.add([entry])
        commits = list(seen)
        writer.finish()
    assert len(commits) > 50 and {count for _, count in commits} == {commits[0][1]}
    assert [name for name, _ in commits[:3]] == [
        "index.parquet",
        "index-00001.parquet",
        "index-00002.parquet",
    ]
    # At the end alone the table is written as a whole.
    assert seen[-1] == ("index.parquet", 400) and len(seen) <= len(commits) + 3
    assert not pieces_of(tmp_path / "store" / "index.parquet")


def test_the_last_table_has_the_bytes_of_all_rows_written_at_once(tmp_path: Path) -> None:
    some = made(90, again=17)
    add(tmp_path / "one", some, finish=True)
    for at in range(0, len(some), 20):
        add(tmp_path / "many", some[at : at + 20])
    add(tmp_path / "many", [], finish=True)
    index = (tmp_path / "one" / "index.parquet").read_bytes()
    assert (tmp_path / "many" / "index.parquet").read_bytes() == index
    write_index(tmp_path / "plain.parquet", read_rows(tmp_path / "one" / "index.parquet"))
    assert (tmp_path / "plain.parquet").read_bytes() == index
    ids = [row["id"] for row in read_rows(tmp_path / "one" / "index.parquet")]
    assert ids == [each.id for each in some[17:]]


def test_what_an_interrupted_job_left_is_read_with_its_pieces(tmp_path: Path) -> None:
    some = entries(30)
    folder = fill(tmp_path / "whole", some)
    whole = {row["id"]: row for row in read_rows(folder / "index.parquet")}
    with open_writer(tmp_path / "part", recipe(), 3000) as writer:
        for at in range(0, 25, 5):
            writer.add(some[at : at + 5])
    assert len(pieces_of(tmp_path / "part" / "index.parquet")) > 1
    store = Store(tmp_path / "part")
    assert len(store.index) > 10 and not store.info["complete"]
    assert all(row == whole[row["id"]] for row in read_rows(store.directory / "index.parquet"))
    assert all(store.read(key).shape[1] == 8 for key in store.ids)
    assert gc(store.directory).empty
    assert verify(store.directory)["ok"].all()


@pytest.mark.parametrize("place", range(1, 9, 2))
def test_ended_while_the_pieces_are_put_together(tmp_path: Path, monkeypatch, place: int) -> None:
    some = made(90, again=17)
    add(tmp_path / "one", some, finish=True)
    add(tmp_path / "cut", some)
    removed: list[Path] = []
    original = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith("index-"):
            removed.append(path)
            if len(removed) == place:
                raise Cut
        original(path, missing_ok)

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(Path, "unlink", unlink)
        add(tmp_path / "cut", [], finish=True)
    assert pieces_of(tmp_path / "cut" / "index.parquet")
    rows = read_rows(tmp_path / "cut" / "index.parquet")
    assert len(rows) == 90
    add(tmp_path / "cut", [], finish=True)
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == sorted(
        path.name for path in (tmp_path / "one").iterdir()
    )
    for path in (tmp_path / "one").iterdir():
        assert (tmp_path / "cut" / path.name).read_bytes() == path.read_bytes()


def test_a_damaged_piece_is_named(tmp_path: Path) -> None:
    add(tmp_path / "store", made(60))
    piece = pieces_of(tmp_path / "store" / "index.parquet")[1]
    piece.write_bytes(piece.read_bytes()[:-9])
    found = verify(tmp_path / "store")
    assert not found.set_index("file").loc["index.parquet", "ok"]
    with pytest.raises(MmserError, match=piece.name):
        Store(tmp_path / "store")


def test_transcripts_grow_likewise(tmp_path: Path, monkeypatch) -> None:
    facts = recipe(name="transcript", transcript={"source": "asr"})
    seen = written(monkeypatch)

    def spoken(first: int, last: int) -> list[TranscriptEntry]:
        return [
            TranscriptEntry(f"u{n}", "d", Transcript(f"word {n}", "asr"))
            for n in range(first, last)
        ]

    with open_transcripts(tmp_path / "store", facts) as writer:
        for at in range(0, 40, 8):
            writer.add(spoken(at, at + 8))
    assert [count for _, count in seen] == [8] * 5
    assert len(TranscriptStore(tmp_path / "store").table) == 40
    with open_transcripts(tmp_path / "store", facts) as writer:
        writer.add(spoken(3, 4))
        writer.finish()
        assert writer.read("u3") == Transcript("word 3", "asr")
    assert list(TranscriptStore(tmp_path / "store").rows)[-1] == "u3"
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == [
        "info.json",
        "transcripts.parquet",
    ]

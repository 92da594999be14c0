"""Shards and their bytes, replacement, unusable values, integers, random interruptions."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from mmser.cache import writer as writing
from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.part import Part, write_shard
from mmser.cache.store import Store
from mmser.cache.writer import open_writer
from mmser.core.clip import Failure, Features
from mmser.core.errors import MmserError

RECIPE = Recipe("fake", "room.Fake", 1, {}, "float16")


def values(rows: int, size: int = 4, fill: float = 1.0) -> Features:
    return Features(np.full((rows, size), fill, np.float32), 10.0)


def tree(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def write(
    directory: Path, made: list[Entry], recipe: Recipe = RECIPE, shard_bytes: int = 2000
) -> Store:
    with open_writer(directory, recipe, shard_bytes) as writer:
        for entry in made:
            writer.add([entry])
        writer.finish()
    return Store(directory)


def test_shards_reach_their_size_and_nothing_else_is_left(tmp_path: Path):
    store = write(tmp_path / "a", [Entry(f"u{i}", "d", values(20)) for i in range(20)])
    names = sorted(path.name for path in store.directory.iterdir())
    assert names[:2] == ["index.parquet", "info.json"]
    assert all(name.startswith("shard-") for name in names[2:]) and len(names) > 5
    assert not (tmp_path / "a.lock").exists()


def test_shards_are_as_readable_as_other_files_of_the_user(tmp_path: Path):
    store = write(tmp_path / "a", [Entry("u0", "d", values(2))])
    (tmp_path / "ordinary").touch()
    ordinary = (tmp_path / "ordinary").stat().st_mode
    assert {path.stat().st_mode for path in store.directory.iterdir()} == {ordinary}


def test_the_same_entries_give_the_same_bytes_however_often_it_was_left_and_reopened(
    tmp_path: Path,
):
    made = [Entry(f"u{i}", "d", values(3 + i % 5, fill=i)) for i in range(30)]
    write(tmp_path / "a", made)
    for entry in made:
        with open_writer(tmp_path / "b", RECIPE, 2000) as writer:
            assert not writer.is_stored(entry.id, "d")
            writer.add([entry])
            assert writer.is_stored(entry.id, "d")
    write(tmp_path / "b", [])
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held in memory alone."""
    monkeypatch.setattr(writing, "HELD_SECONDS", 0.0)


@pytest.mark.parametrize("step", ["growing.write_table", "part.write_arrays", "part.Shard"])
def test_an_exception_in_the_middle_of_a_commit_is_recovered_from(
    tmp_path: Path, step: str, monkeypatch, at_once
):
    made = [Entry(f"u{i}", "d", values(20)) for i in range(20)]
    write(tmp_path / "a", made)

    def full(*arguments: object, **names: object) -> None:
        raise OSError("disk full")

    with open_writer(tmp_path / "b", RECIPE, 2000) as writer:
        writer.add(made[:1])
        with monkeypatch.context() as patch, pytest.raises(OSError, match="disk full"):
            patch.setattr(f"mmser.cache.{step}", full)
            for entry in made[1:]:
                writer.add([entry])
    with open_writer(tmp_path / "b", RECIPE, 2000) as writer:
        missing = [entry for entry in made if not writer.is_stored(entry.id, "d")]
    assert 0 < len(missing) < 20
    write(tmp_path / "b", missing)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_parts_of_the_next_shard_outlive_a_death_while_the_one_before_is_put_together(
    tmp_path: Path, monkeypatch, at_once
):
    made = [Entry(f"u{i}", "d", values(20)) for i in range(20)]
    write(tmp_path / "a", made)

    may_end = threading.Event()

    def slow(parts: list[Part], path: Path) -> str:
        may_end.wait(10)
        return write_shard(parts, path)

    added: list[Entry] = []
    monkeypatch.setattr(writing, "write_shard", slow)
    with open_writer(tmp_path / "dying", RECIPE, 2000) as writer:
        while not list((tmp_path / "dying").glob("part-00001-*")):
            added.append(made[len(added)])
            writer.add(added[-1:])
        # A copy is what a killed process leaves.
        shutil.copytree(tmp_path / "dying", tmp_path / "b")
        may_end.set()
    assert not list((tmp_path / "b").glob("shard-*"))
    with open_writer(tmp_path / "b", RECIPE, 2000) as writer:
        assert all(writer.is_stored(entry.id, "d") for entry in added) and len(added) > 1
        assert [path.name for path in (tmp_path / "b").glob("shard-*")] == [
            "shard-00000.safetensors"
        ]
    write(tmp_path / "b", made[len(added) :])
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_values_that_come_fast_are_written_once(tmp_path: Path, monkeypatch) -> None:
    made = [Entry(f"u{i}", "d", values(100, fill=i)) for i in range(40)]
    written: dict[bool, int] = {}
    for is_held in (False, True):
        monkeypatch.setattr(writing, "HELD_SECONDS", 1e9 if is_held else 0.0)
        before = bytes_written()
        write(tmp_path / str(is_held), made)
        written[is_held] = bytes_written() - before
    assert tree(tmp_path / "True") == tree(tmp_path / "False")
    values_alone = sum(path.stat().st_size for path in (tmp_path / "True").glob("shard-*"))
    assert written[False] - written[True] > 0.9 * values_alone


def bytes_written() -> int:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def test_what_is_held_is_on_the_disk_after_its_time_and_when_the_writer_is_closed(
    tmp_path: Path, monkeypatch
) -> None:
    made = [Entry(f"u{i}", "d", values(20, fill=i)) for i in range(20)]
    write(tmp_path / "a", made, shard_bytes=4000)
    clock = [0.0]
    monkeypatch.setattr(writing.time, "monotonic", lambda: clock[0])
    folder = tmp_path / "b"
    with open_writer(folder, RECIPE, 4000) as writer:
        for at, seen in enumerate([0, 0, 3, 3, 5]):
            clock[0] = 3.0 * at
            writer.add(made[at : at + 1])
            assert len(list(folder.glob("part-00000-*"))) == seen
        writer.add(made[5:6])
        # A copy is what a killed process leaves: the last step was in memory alone.
        shutil.copytree(folder, tmp_path / "killed")
    assert len(list(folder.glob("part-00000-*"))) == 6
    for name, kept in (("b", 6), ("killed", 5)):
        with open_writer(tmp_path / name, RECIPE, 4000) as writer:
            missing = [entry for entry in made if not writer.is_stored(entry.id, "d")]
        assert missing == made[kept:]
        write(tmp_path / name, missing, shard_bytes=4000)
        assert tree(tmp_path / "a") == tree(tmp_path / name)


def test_what_follows_a_shard_in_memory_is_held_as_long(tmp_path: Path, monkeypatch) -> None:
    made = [Entry(f"u{i}", "d", values(20, fill=i)) for i in range(20)]
    write(tmp_path / "a", made)
    may_end = threading.Event()

    def slow(parts: list[Part], path: Path) -> str:
        may_end.wait(10)
        return write_shard(parts, path)

    clock = [0.0]
    monkeypatch.setattr(writing, "write_shard", slow)
    monkeypatch.setattr(writing.time, "monotonic", lambda: clock[0])
    folder = tmp_path / "b"
    with open_writer(folder, RECIPE, 2000) as writer:
        before_full = next(
            at for at, each in enumerate(made) if writer.add([each]) and writer._merge is not None
        )
        clock[0] = 100.0
        writer.add(made[before_full + 1 : before_full + 2])
        assert not list(folder.glob("part-*"))
        shutil.copytree(folder, tmp_path / "killed")
        may_end.set()
        for entry in made[before_full + 2 :]:
            writer.add([entry])
        writer.finish()
    write(tmp_path / "killed", made)
    assert tree(tmp_path / "a") == tree(folder) == tree(tmp_path / "killed")


def test_a_held_part_of_a_large_array_does_not_keep_it(tmp_path: Path) -> None:
    large = np.zeros((1000, 4), np.float16)
    alive = weakref.ref(large)
    with open_writer(tmp_path / "a", RECIPE) as writer:
        writer.add([Entry("u0", "d", Features(large[:2]))])
        del large
        assert alive() is None


def test_changed_content_replaces_the_row(tmp_path: Path):
    write(tmp_path / "a", [Entry("u0", "old", values(2)), Entry("u1", "d", values(3))])
    with open_writer(tmp_path / "a", RECIPE) as writer:
        assert not writer.is_stored("u0", "new") and writer.is_stored("u1", "d")
    store = write(tmp_path / "a", [Entry("u0", "new", values(5, fill=2.0))])
    assert sorted(store.ids) == ["u0", "u1"] and len(store.index) == 2
    assert store.read("u0").shape == (5, 4) and store.read("u1").shape == (3, 4)


def test_failures_are_tried_again_only_when_asked(tmp_path: Path):
    write(tmp_path / "a", [Entry("u0", "d", Failure("u0", "silence"))])
    with open_writer(tmp_path / "a", RECIPE) as writer:
        assert writer.is_stored("u0", "d") and not writer.is_stored("u0", "d", retry_failed=True)
    assert "u0" in write(tmp_path / "a", [Entry("u0", "d", values(1))])


def test_a_store_being_added_to_is_not_complete(tmp_path: Path):
    write(tmp_path / "a", [Entry("u0", "d", values(1))])
    with open_writer(tmp_path / "a", RECIPE) as writer:
        writer.add([Entry("u1", "d", values(1))])
        assert Store(tmp_path / "a").info["complete"] is False
        writer.finish()
    assert Store(tmp_path / "a").info["complete"] is True


def test_nothing_but_failures(tmp_path: Path):
    store = write(tmp_path / "a", [Entry("u0", "d", Failure("u0", "no face"))])
    assert (
        store.ids == ()
        and store.info["feature_shape"] is None
        and list(store.index.error) == ["no face"]
    )
    assert sorted(path.name for path in store.directory.iterdir()) == ["index.parquet", "info.json"]


@pytest.mark.parametrize(
    ("features", "reason", "detail"),
    [
        (Features(np.array([[1, 1, 1, np.nan]])), "not finite", "1 of 4 values"),
        (Features(np.array([[1, 1, 1, 70000.0]])), "not finite", "too large for float16"),
        (Features(np.zeros((0, 4))), "zero length", r"\(0, 4\)"),
        (Features(np.zeros((2, 5))), "extractor error", "feature shape 5, where this store has 4"),
        (
            Features(np.zeros((2, 4)), spans=np.zeros((3, 2))),
            "extractor error",
            r"spans of shape \(3, 2\) for 2 rows",
        ),
        (Features(np.array([["a"] * 4])), "extractor error", "type <U1"),
    ],
)
def test_unusable_values_become_failures(
    tmp_path: Path, features: Features, reason: str, detail: str
):
    store = write(tmp_path / "a", [Entry("good", "d", values(2)), Entry("bad", "d", features)])
    row = store.index.set_index("id").loc["bad"]
    assert row.status == "failed" and row.error == reason
    assert re.search(detail, row.detail)
    assert store.ids == ("good",)


def test_integers_and_bare_sequences_stay_what_they_are(tmp_path: Path):
    recipe = Recipe("words", "room.Words", 1, {}, "int32")
    words = np.array([7, 2**30, 5])
    store = write(tmp_path / "a", [Entry("u0", "d", Features(words))], recipe)
    assert store.read("u0").dtype == np.int32 and store.info["feature_shape"] == []
    np.testing.assert_array_equal(store.read("u0"), words)
    with open_writer(tmp_path / "a", recipe) as writer:
        row = writer.add([Entry("u1", "d", Features(np.zeros(3)))])[0]
    assert row["error"] == "extractor error" and "int32 was promised" in row["detail"]


def test_a_folder_of_another_fingerprint_is_refused(tmp_path: Path):
    write(tmp_path / "a", [Entry("u0", "d", values(1))])
    other = Recipe("fake", "room.Fake", 2, {}, "float16")
    with (
        pytest.raises(MmserError, match=f"expected fingerprint {other.fingerprint}"),
        open_writer(tmp_path / "a", other),
    ):
        pass

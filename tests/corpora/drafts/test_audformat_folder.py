"""Databases that audformat itself wrote."""

from __future__ import annotations

from pathlib import Path

import audformat
import numpy as np
import pytest

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.corpora.drafts.draft import Reading, draft
from mmser.corpora.generic import Generic
from mmser.media.write import write_wav

SEGMENTS = [("a.wav", 0, 1, "anger"), ("a.wav", 1, 2.5, "joy"), ("b.wav", 0, None, "joy")]


@pytest.fixture
def database(tmp_path: Path) -> audformat.Database:
    made = audformat.Database("mini")
    made.schemes["emotion"] = audformat.Scheme(labels=["anger", "joy"])
    made.schemes["speaker"] = audformat.Scheme(
        labels={"s1": {"gender": "female"}, "s2": {"gender": "male"}}
    )
    for split in ("train", "test"):
        made.splits[split] = audformat.Split(type=split)
    for name, rows, split in (
        ("talk", SEGMENTS, "train"),
        ("more", [("c.wav", 0.5, None, "joy")], "test"),
    ):
        files, starts, ends, emotions = zip(*rows, strict=True)
        index = audformat.segmented_index(
            files, [f"{start}s" for start in starts], [end and f"{end}s" for end in ends]
        )
        made[name] = audformat.Table(index, split_id=split)
        made[name]["emotion"] = audformat.Column(scheme_id="emotion")
        made[name]["emotion"].set(emotions)
    made["files"] = audformat.Table(audformat.filewise_index(["a.wav", "b.wav", "c.wav"]))
    made["files"]["speaker"] = audformat.Column(scheme_id="speaker")
    made["files"]["speaker"].set(["s1", "s2", "s2"])
    for name in "abc":
        write_wav(tmp_path / f"{name}.wav", np.zeros(16000 * 3, "float32"))
    return made


@pytest.mark.parametrize("storage", ["csv", "parquet"])
def test_a_database_is_read_back(
    database: audformat.Database, tmp_path: Path, storage: str
) -> None:
    database.save(str(tmp_path), storage_format=storage)
    assert main(["manifest", str(tmp_path), "--tier", "talk,more", "--map", "anger=angry"]) == 0
    found = list(Generic(tmp_path).utterances())
    assert [(e.audio_path.name, e.start, e.end, e.emotion, e.speaker, e.gender) for e in found] == [
        ("a.wav", 0.0, 1.0, "angry", "s1", "female"),
        ("a.wav", 1.0, 2.5, "joy", "s1", "female"),
        ("b.wav", None, None, "joy", "s2", "male"),
        ("c.wav", 0.5, 3.0, "joy", "s2", "male"),
    ]
    assert [each.extra.get("part", getattr(each, "part", None)) for each in found] == [
        "train"
    ] * 3 + ["test"]


def test_the_table_has_to_be_told(database: audformat.Database, tmp_path: Path) -> None:
    database.save(str(tmp_path))
    target = tmp_path / "manifest.csv"
    with pytest.raises(MmserError, match=r"found (more, talk|talk, more)\. Name one or several"):
        draft(tmp_path, Reading(), target)
    with pytest.raises(MmserError, match=r"in --tier; found none"):
        draft(tmp_path, Reading(tier="none"), target)


def test_neither_tags_nor_pickles_are_read(database: audformat.Database, tmp_path: Path) -> None:
    database.save(str(tmp_path), storage_format="pkl")
    with pytest.raises(MmserError, match="as csv or parquet"):
        draft(tmp_path, Reading(tier="talk"), tmp_path / "manifest.csv")
    # audformat would load this one and prefer it to the table beside it.
    database.save(str(tmp_path), storage_format="csv")
    for pickled in tmp_path.glob("*.pkl"):
        pickled.write_bytes(b"no pickle")
    assert len(draft(tmp_path, Reading(tier="talk"), tmp_path / "manifest.csv")) == 3
    mark = tmp_path / "mark"
    header = tmp_path / "db.yaml"
    header.write_text(
        f"name: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{mark}]]\n"
    )
    with pytest.raises(MmserError, match="a database in audformat"):
        draft(tmp_path, Reading(tier="talk"), tmp_path / "manifest.csv")
    assert not mark.exists()

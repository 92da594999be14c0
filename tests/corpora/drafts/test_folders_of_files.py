"""Folders that people bring whole: audiofolder, annotations beside recordings, JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.corpora.drafts.draft import Reading, draft
from mmser.corpora.drafts.name_pattern import name_pattern
from mmser.corpora.generic import Generic
from mmser.media.write import write_wav


def recording(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, np.zeros(16000 * 3, "float32"))
    return path


def drafted(source: Path, **reading: object) -> pd.DataFrame:
    return draft(source, Reading(**reading), source / "manifest.csv")  # type: ignore[arg-type]


def test_metadata_of_each_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train/a.wav", "train/b.wav", "test/data/c.wav"):
        recording(tmp_path / name)
    (tmp_path / "train/metadata.csv").write_text(
        "file_name,emotion,speaker\na.wav,joy,anna\nb.wav,,ben\n"
    )
    row = {"file_name": "data/c.wav", "emotion": "joy", "speaker": 7, "take": [1]}
    (tmp_path / "test/metadata.jsonl").write_text(json.dumps(row) + "\n\n")
    monkeypatch.chdir(tmp_path.parent)
    assert main(["manifest", tmp_path.name, "--map", "joy=happy"]) == 0
    found = {each.id: each for each in Generic(tmp_path).utterances()}
    assert {
        name: (each.part, each.emotion, each.speaker, each.audio_path)
        for name, each in found.items()
    } == {
        "a": ("train", "happy", "anna", tmp_path / "train/a.wav"),
        "b": ("train", None, "ben", tmp_path / "train/b.wav"),
        "c": ("test", "happy", "7", tmp_path / "test/data/c.wav"),
    }
    (tmp_path / "test/data/c.wav").unlink()
    with pytest.raises(
        MmserError, match=r"the recordings that the metadata tell of, in .*; found no .*c\.wav"
    ):
        drafted(tmp_path)
    (tmp_path / "test/metadata.jsonl").write_text('{"file_name": "x.wav"}\n[1]\n')
    with pytest.raises(MmserError, match=r"a JSON object in every line of .*; found line 2"):
        drafted(tmp_path)


def test_films_of_metadata_and_a_table_of_another_meaning(tmp_path: Path) -> None:
    recording(tmp_path / "happy/a.wav"), recording(tmp_path / "sad/b.wav")
    (tmp_path / "metadata.csv").write_text("licence,year\nCC0,2005\n")
    assert drafted(tmp_path, speaker="anna")["emotion"].tolist() == ["happy", "sad"]
    (tmp_path / "clip.mp4").write_bytes(b"film")
    (tmp_path / "metadata.csv").write_text("video_file_name,emotion,speaker\nclip.mp4,sad,ben\n")
    (row,) = drafted(tmp_path).to_dict("records")
    with pytest.raises(MmserError, match=r"happy/a\.wav outside"):
        inner = tmp_path / "sad"
        (inner / "metadata.csv").write_text("file_name,emotion,speaker\n../happy/a.wav,sad,ben\n")
        drafted(inner)
    assert row == {"id": "clip", "speaker": "ben", "video_path": "clip.mp4", "emotion": "sad"}


def test_annotations_beside_their_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording(tmp_path / "anna/1.wav"), recording(tmp_path / "ben/1.wav")
    recording(tmp_path / "ben/2.wav")
    (tmp_path / "anna/1.txt").write_text("0.5\t1.5\tjoy\n1.5\t2.0\tsad\n")
    (tmp_path / "ben/1.audacity.txt").write_text("0\t1\tjoy\n")
    (tmp_path / "ben/2.txt").write_text("0\t1\t\n")
    (tmp_path / "notes.txt").write_text("joy is happy\n")
    pattern = name_pattern("{speaker}/{n}")
    monkeypatch.chdir(tmp_path)
    found = drafted(Path(), pattern=pattern)
    assert found[["id", "speaker", "audio_path", "start", "emotion"]].to_numpy().tolist() == [
        ["anna_1_001", "anna", "anna/1.wav", "0.5", "joy"],
        ["anna_1_002", "anna", "anna/1.wav", "1.5", "sad"],
        ["ben_1", "ben", "ben/1.wav", "0.0", "joy"],
    ]
    media = tmp_path / "wav"
    for folder in ("anna", "ben"):
        media.mkdir(exist_ok=True)
        (tmp_path / folder).rename(media / folder)
        (tmp_path / "labels" / folder).mkdir(parents=True)
        for path in media.glob(f"{folder}/*.txt"):
            path.rename(tmp_path / "labels" / folder / path.name)
    apart = drafted(tmp_path / "labels", pattern=pattern, media_folder=media)
    assert apart.drop(columns="audio_path").equals(found.drop(columns="audio_path"))
    assert apart["audio_path"].tolist()[0] == str(media / "anna/1.wav")


def test_all_that_is_wrong_with_annotations_is_told_at_once(tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("0\t1\tjoy\n")
    (tmp_path / "a.audacity.txt").write_text("0\t1\tsad\n")
    (tmp_path / "b.txt").write_text("0\t1\tjoy\n")
    with pytest.raises(MmserError) as caught:
        drafted(tmp_path, speaker="anna")
    assert "a.audacity.txt and a.txt are about the same recording" in str(caught.value)
    assert "b.txt: expected the recordings of" in str(caught.value)


def test_folders_of_emotions_are_read_whatever_lies_beside(tmp_path: Path) -> None:
    for name in ("happy/a", "sad/b"):
        recording(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.txt").write_text("0\t1\tword\n")
    assert drafted(tmp_path, speaker="anna")["emotion"].tolist() == ["happy", "sad"]

"""Parquet as the library `datasets` writes it: its metadata, and recordings as bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.corpora.drafts.draft import Reading, draft
from mmser.corpora.generic import Generic
from mmser.media.write import write_wav

FEATURES = {
    "audio": {"sampling_rate": 16000, "_type": "Audio"},
    "label": {"names": ["joy", "anger"], "_type": "ClassLabel"},
    "speaker_id": {"dtype": "int64", "_type": "Value"},
}


@pytest.fixture
def contents(tmp_path: Path) -> list[bytes]:
    made = []
    for number in range(3):
        write_wav(tmp_path / "x.wav", np.full(1600, number / 10, "float32"))
        made.append((tmp_path / "x.wav").read_bytes())
    (tmp_path / "x.wav").unlink()
    return made


def dataset(path: Path, rows: list[tuple[str | None, bytes | None, int, int]]) -> Path:
    audio = [{"bytes": content, "path": name} for name, content, _, _ in rows]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table(
        {
            "audio": pa.array(audio, kind),
            "label": [row[2] for row in rows],
            "speaker_id": [row[3] for row in rows],
            "face": [{"bytes": b"picture", "path": None}] * len(rows),
        }
    )
    metadata = {"huggingface": json.dumps({"info": {"features": FEATURES}})}
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def test_a_folder_of_shards_is_read_back(tmp_path: Path, contents: list[bytes]) -> None:
    one, two, three = contents
    data = tmp_path / "data"
    dataset(data / "train-00000-of-00001.parquet", [("a.wav", one, 0, 3), (None, two, 1, 4)])
    dataset(data / "test-00000-of-00001.parquet", [("../../a.wav", three, -1, 5)])
    media = tmp_path / "media"
    words = ["manifest", str(data), "--media", str(media), "--map", "anger=angry"]
    assert main(words) == 0 and main([*words, "--overwrite"]) == 0
    found = list(Generic(data).utterances())
    assert [(each.emotion, each.speaker) for each in found] == [
        (None, "5"),
        ("joy", "3"),
        ("angry", "4"),
    ]
    assert [each.audio_path.read_bytes() for each in found] == [three, one, two]
    assert {path.parent for path in (each.audio_path for each in found)} == {media}
    assert "picture" not in (data / "manifest.csv").read_text()
    assert sorted(path.name for path in media.iterdir()) == [
        "a.wav",
        "train-00000-of-00001_000001.wav",
        "train-00000-of-00001_000002.wav",
    ]


def test_what_is_refused(tmp_path: Path, contents: list[bytes]) -> None:
    path = dataset(tmp_path / "train.parquet", [("a.wav", contents[0], 0, 3)])
    reading: dict[str, Any] = {"media_folder": tmp_path / "media"}
    target = tmp_path / "manifest.csv"
    with pytest.raises(UsageError, match="Name one with --media"):
        draft(path, Reading(), target)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.wav").write_bytes(b"mine")
    with pytest.raises(MmserError, match="no other recording at"):
        draft(path, Reading(**reading), target)
    assert (tmp_path / "media" / "a.wav").read_bytes() == b"mine"
    dataset(path, [("b.wav", contents[0], 7, 3)])
    with pytest.raises(MmserError, match="a dataset of Hugging Face in"):
        draft(path, Reading(**reading), target)


def test_recordings_that_lie_beside_are_left_there(
    tmp_path: Path, contents: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.wav").write_bytes(contents[0])
    dataset(tmp_path / "train.parquet", [("a.wav", None, 0, 3)])
    monkeypatch.chdir(tmp_path)
    assert main(["manifest", "train.parquet", "--media", "unpacked"]) == 0
    (found,) = Generic(tmp_path).utterances()
    assert found.audio_path == tmp_path / "a.wav"


def test_what_the_library_saves_is_read_back(tmp_path: Path, contents: list[bytes]) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [
        {"audio": {"bytes": content, "path": name}, "label": label, "speaker_id": 3 + place}
        for place, (content, name, label) in enumerate(
            zip(contents, ["a.wav", None, None], [0, 1, -1], strict=True)
        )
    ]
    # Its own way from rows to a table asks for a decoder of sound.
    schema = datasets.Features.from_dict(FEATURES).arrow_schema
    train, dev = (
        datasets.Dataset(datasets.table.InMemoryTable.from_pylist(part, schema=schema))
        for part in (rows[:2], rows[2:])
    )
    both = datasets.DatasetDict(train=train, dev=dev)
    source, media = tmp_path / "saved", tmp_path / "media"
    both.save_to_disk(source)
    words = ["manifest", str(source), "--media", str(media)]
    assert main(words) == 0 and main([*words, "--overwrite"]) == 0
    found = list(Generic(source).utterances())
    assert [(each.part, each.emotion, each.speaker) for each in found] == [
        ("train", "joy", "3"),
        ("train", "anger", "4"),
        ("validation", None, "5"),
    ]
    assert [each.audio_path.read_bytes() for each in found] == contents


def test_a_folder_of_arrow_names_files_inside_itself(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "../x.arrow"}]}')
    with pytest.raises(MmserError, match=r"no names of files in .*state\.json"):
        draft(tmp_path, Reading(), tmp_path / "manifest.csv")
    (tmp_path / "state.json").write_text('{"_indices_data_files": [{"filename": "i.arrow"}]}')
    with pytest.raises(MmserError, match=r"flatten_indices"):
        draft(tmp_path, Reading(), tmp_path / "manifest.csv")
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["../elsewhere"]}')
    with pytest.raises(MmserError, match=r"no names of splits"):
        draft(tmp_path, Reading(), tmp_path / "manifest.csv")
    (tmp_path / "dataset_dict.json").unlink()
    (tmp_path / "x.arrow").write_bytes(b"nothing")
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "x.arrow"}]}')
    with pytest.raises(MmserError, match="a dataset of Hugging Face in"):
        draft(tmp_path, Reading(), tmp_path / "manifest.csv")

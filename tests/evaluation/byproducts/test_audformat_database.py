"""A run's predictions as a database that audformat reads, and `mmser manifest`."""

from __future__ import annotations

from pathlib import Path

import audformat
import numpy as np
import pandas as pd
import pytest

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.corpora.generic import Generic
from mmser.evaluation.byproducts.audformat_database import run_database, write_database
from mmser.media.write import write_wav


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, pd.DataFrame]:
    """Two stretches of one file and a film, predicted by two seeds; one has no target."""
    for name in ("a.wav", "b.mp4"):
        write_wav(tmp_path / "a.wav", np.zeros(48000, "float32"))
        (tmp_path / name).exists() or (tmp_path / name).write_bytes(b"film")
    manifest = pd.DataFrame(
        {
            "id": ["u1", "u2", "u3"],
            "audio_path": [*[str(tmp_path / "a.wav")] * 2, None],
            "video_path": [None, None, str(tmp_path / "b.mp4")],
            "start": [0.0, 1.25, np.nan],
            "end": [1.25, 2.5, np.nan],
        }
    )
    rows = [
        {
            "id": name,
            "speaker": speaker,
            "fold": "f",
            "seed": seed,
            "target": target,
            "prediction": "sad",
            "probability_sad": 0.7 + seed / 10,
            "probability_happy": 0.3 - seed / 10,
        }
        for seed in (0, 1)
        for name, speaker, target in [("u1", "x", "sad"), ("u2", "y", None), ("u3", "y", "happy")]
    ]
    folder = tmp_path / "run"
    folder.mkdir()
    pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
    return folder, manifest


def test_audformat_and_mmser_read_it(run: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    counts = run_database(*run, tmp_path)
    assert counts == {"clean.seed0": 3, "clean.seed1": 3}
    found = audformat.Database.load(str(tmp_path))["clean.seed1"].get().reset_index()
    assert found["file"].tolist() == ["a.wav", "a.wav", "b.mp4"]
    assert found["start"].dt.total_seconds().tolist() == [0, 1.25, 0]
    assert found["end"].dt.total_seconds().fillna(-1).tolist() == [1.25, 2.5, -1]
    assert found["target"].astype(object).fillna("").tolist() == ["sad", "", "happy"]
    assert found["confidence"].tolist() == pytest.approx([0.8] * 3)
    assert main(["manifest", str(tmp_path), "--tier", "clean.seed1"]) == 0
    read = [(e.speaker, e.start, e.end, e.emotion) for e in Generic(tmp_path).utterances()]
    assert read == [("x", 0, 1.25, "sad"), ("y", 1.25, 2.5, "sad"), ("y", None, None, "sad")]
    with pytest.raises(MmserError, match="no database yet in"):
        run_database(*run, tmp_path)


def test_a_recording_that_nobody_knows(run: tuple[Path, pd.DataFrame], tmp_path: Path) -> None:
    folder, manifest = run
    with pytest.raises(MmserError, match="none of u3"):
        run_database(folder, manifest[:2], tmp_path)
    assert not (tmp_path / "db.yaml").exists()


def test_values_are_read_back(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros(48000, "float32"))
    table = pd.DataFrame({"file": str(tmp_path / "a.wav"), "start": [0, 1], "end": [1.0, np.nan]})
    table = table.assign(prediction_valence=[0.25, np.nan], target_valence=[0.5, -1.0], text="so")
    write_database({"predictions": table}, tmp_path, "values of me")
    found = audformat.Database.load(str(tmp_path))["predictions"].get()
    assert found["valence"].fillna(9).tolist() == [0.25, 9] and "emotion" not in found
    assert found["target_valence"].tolist() == [0.5, -1]
    assert main(["manifest", str(tmp_path), "--tier", "predictions", "--speaker", "x"]) == 0
    read = list(Generic(tmp_path).utterances())
    assert [(each.start, each.end, each.valence) for each in read] == [(0, 1, 0.25), (1, 3, None)]
    assert read[0].transcript == "so"
    with pytest.raises(MmserError, match="each stretch of a recording once"):
        twice = pd.concat([table, table])
        write_database({"predictions": twice}, tmp_path / "twice", "twice")

"""SEWA as AVEC ships it, on made-up trees of both namings."""

from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.manifest import from_table, to_table
from mmser.corpora.sewa import Sewa

HEADER = "name;timestamp;arousal;valence;liking\n"


def label(root: Path, name: str, rows: str) -> None:
    (root / "labels").mkdir(exist_ok=True)
    (root / "labels" / f"{name}.csv").write_text(HEADER + rows)


def test_the_layout_of_2019(tmp_path: Path) -> None:
    label(tmp_path, "Train_DE_01", "'Train_DE_01';0.0;0.1;0.5;\n'Train_DE_01';0.1;0.3;;\n")
    label(tmp_path, "Devel_HU_02", "'Devel_HU_02';0.0;0;0;0.25\n")
    for name in (
        "features/Test_CN_03.csv",
        "features/Train_DE_01.csv",
        "audio/Test_CN_03.wav",
        "video/Test_CN_03.avi",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    devel, test, train = Sewa(tmp_path).utterances()
    assert (devel.id, devel.speaker, devel.part, devel.language) == ("Devel_HU_02",) * 2 + (
        "validation",
        "hu",
    )
    assert devel.extra == {"liking": "0.250000"} and devel.arousal == 0
    assert (train.part, train.language, train.extra) == ("train", "de", {})
    assert train.arousal == pytest.approx(0.2) and train.valence == pytest.approx(0.5)
    assert (test.part, test.language, test.arousal, test.extra) == ("test", "zh", None, {})
    assert test.audio_path == tmp_path / "audio" / "Test_CN_03.wav"
    assert test.video_path == tmp_path / "video" / "Test_CN_03.avi"
    assert [u.id for u in from_table(to_table([devel, test, train]))] == [
        "Devel_HU_02",
        "Test_CN_03",
        "Train_DE_01",
    ]


def test_the_layout_of_2017(tmp_path: Path) -> None:
    label(tmp_path, "Train_01", "'Train_01';0.0;0.1;0.5;0.2\n")
    (recording,) = Sewa(tmp_path).utterances()
    assert (recording.id, recording.part, recording.language) == ("Train_01", "train", "de")


def test_faults_are_named(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"SEWA \(AVEC\): labels/Train_DE_01\.csv"):
        list(Sewa(tmp_path).utterances())
    label(tmp_path, "monday", "'monday';0.0;0.1;0.5;0.2\n")
    with pytest.raises(
        MmserError, match=r"named as Train_01 or Devel_DE_01; found monday in .*monday\.csv"
    ):
        list(Sewa(tmp_path).utterances())

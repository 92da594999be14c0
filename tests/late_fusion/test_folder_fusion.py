"""`mmser fuse` on folders, from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers.fusion_folders import smooth_noise, write_folder, write_study

from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.corpora.avec_csv import read_folder
from mmser.late_fusion.folder_fusion import fuse_folders
from mmser.late_fusion.fusion_summary import fusion_text, write_fusion
from mmser.late_fusion.multistage import StageSettings
from mmser.metrics.regression import ccc

QUICK = StageSettings(stages=2, contexts=(1,), costs=(0.1,), folds=3, inner_folds=2)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path]:
    """Six labelled recordings and one without labels; labels of the first are five frames short."""
    root = tmp_path_factory.mktemp("study")
    folders, gold, names = write_study(root)
    for folder in folders:
        write_folder(folder, {"Test_01": 0.1 * smooth_noise(np.random.default_rng(7), 50, 2)})
    first = read_folder(gold)[names[0]].values[:-5]
    write_folder(gold, {names[0]: first})
    return folders, gold


def test_both_protocols_with_mean_and_best_single_beside(study: tuple[list[Path], Path]) -> None:
    """Acceptance check 9."""
    fusion = fuse_folders(*study, settings=QUICK)
    assert list(fusion.scores["protocol"].unique()) == ["resubstitution", "by_subject"]
    for _, rows in fusion.scores.groupby("protocol"):
        assert list(rows["system"]) == ["plain mean", "best single model", "svr", "svr"]
        assert list(rows["stage"].dropna()) == [1, 2]
    text = fusion_text(fusion)
    assert "6 recordings, each taken for a subject of its own" in text
    assert "1 recordings are longer than their labels, by 5 to 5 frames" in text
    assert "6 recordings with 475 labelled frames are scored, all are predicted" in text
    assert (
        "fitted, tuned and scored on the same recordings" in text
        and "held-out subjects the last stage" in text
    )
    honest = fusion.scores.iloc[-1]
    gold = read_folder(study[1])
    target = np.concatenate([track.values[:, 0] for track in gold.values()])
    predicted = np.concatenate(
        [fusion.fused[name][: len(track.times), 0] for name, track in gold.items()]
    )
    assert honest["arousal"] == pytest.approx(ccc(target, predicted, ddof=1), abs=1e-6)


def test_the_yardsticks_are_what_they_say(study: tuple[list[Path], Path]) -> None:
    fusion = fuse_folders(*study, method="mean")
    gold, models = read_folder(study[1]), [read_folder(folder) for folder in study[0]]
    target = np.concatenate([track.values[:, 1] for track in gold.values()])
    each = [
        np.concatenate([m[n].values[: len(t.times), 1] for n, t in gold.items()]) for m in models
    ]
    rows = fusion.scores.set_index("system")
    assert rows.loc["plain mean", "valence"] == pytest.approx(
        ccc(target, sum(each) / 2, ddof=1), abs=1e-6
    )
    best = max(ccc(target, one, ddof=1) for one in each)
    assert rows.loc["best single model", "valence"] == pytest.approx(best, abs=1e-6)


def test_every_recording_is_written_and_the_folder_can_be_fused_again(
    study: tuple[list[Path], Path], tmp_path: Path
) -> None:
    fusion = fuse_folders(*study, settings=QUICK)
    out = write_fusion(fusion, tmp_path / "fused")
    again = read_folder(out)
    assert set(again) == set(fusion.fused) and len(again["Test_01"].times) == 50
    np.testing.assert_allclose(again["Test_01"].values, fusion.fused["Test_01"], atol=1e-6)
    summary = json.loads((out / "summary" / "summary.json").read_text())
    assert summary["protocol_of_the_files"] == "by_subject" and len(summary["scores"]) == 8
    assert len(pd.read_csv(out / "summary" / "scores.csv")) == 8
    assert fuse_folders([*study[0], out], study[1], "mean").recordings.models[-1] == "fused"
    with pytest.raises(MmserError, match="a folder of its own"):
        (out / "stranger.csv").write_text("x")
        write_fusion(fusion, out)


def test_resubstitution_alone_where_subjects_are_too_few(tmp_path: Path) -> None:
    folders, gold, _ = write_study(tmp_path, subjects=2)
    fusion = fuse_folders(folders, gold, protocol="resubstitution", settings=QUICK)
    assert set(fusion.scores["protocol"]) == {"resubstitution"}
    assert any("needs three groups, there are 2" in note for note in fusion.notes)
    with pytest.raises(MmserError, match="at least three groups"):
        fuse_folders(folders, gold, settings=QUICK)


def test_the_command(
    study: tuple[list[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        *map(str, study[0]),
        "--gold",
        str(study[1]),
        "--method",
        "ridge",
        "--stages",
        "1",
        "--contexts",
        "1",
    ]
    assert (
        main(["fuse", *words, "--costs", "0.1", "--folds", "3", "--out", str(tmp_path / "out")])
        == 0
    )
    printed = capsys.readouterr().out
    assert "ridge, stage 1" in printed and "Fused files and summary" in printed
    assert (tmp_path / "out" / "Test_01.csv").is_file()


def test_wrong_words(study: tuple[list[Path], Path], capsys: pytest.CaptureFixture[str]) -> None:
    folders, gold = study
    with pytest.raises(UsageError, match="each model's folder once"):
        fuse_folders([folders[0], folders[0]], gold)
    with pytest.raises(UsageError, match="--method mean"):
        fuse_folders(folders)
    assert main(["fuse", str(folders[0]), "--method", "vote"]) == 2
    assert "--method svr, ridge, mean for frames" in capsys.readouterr().err
    assert main(["fuse", str(folders[0]), str(folders[0] / "Test_01.csv")]) == 2
    assert "a mixture" in capsys.readouterr().err


def test_labels_without_a_single_value(study: tuple[list[Path], Path], tmp_path: Path) -> None:
    empty = write_folder(tmp_path / "gold", {"Test_01": np.full((50, 2), np.nan)})
    with pytest.raises(MmserError, match="found only empty cells in the labels"):
        fuse_folders(study[0], empty)

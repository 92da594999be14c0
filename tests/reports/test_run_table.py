"""Runs below a folder in one table: order, what sets them apart, and folders that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.reports.run_table import list_runs


def make_run(folder: Path, rate: float, right: int, folds: int = 2) -> None:
    """A run's folder as training and evaluation leave it: four utterances, ``right`` of them so."""
    folder.mkdir(parents=True)
    config = {
        "card": {"name": "mine"},
        "protocol": {"name": "p2"},
        "seeds": [0],
        "optimizer": {"lr": rate},
        "trainer": {"accelerator": "cpu"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    ids = [f"u{number}" for number in range(4)]
    rows = [{"id": one, "fold": fold, "part": "test", "label": "a"} for one in ids for fold in "xy"]
    pd.DataFrame(rows).to_parquet(folder / "assignment.parquet")
    for fold in "xy"[:folds]:
        inner = folder / "folds" / f"{fold}-seed0"
        inner.mkdir(parents=True)
        (inner / "done.json").write_text("{}")
        (inner / "fold.json").write_text(json.dumps({"parameters": 1234}))
    targets = ["a", "b", "a", "b"]
    said = [*targets[:right], *["b" if one == "a" else "a" for one in targets[right:]]]
    table = pd.DataFrame(
        {"id": ids, "target": targets, "prediction": said, "speaker": list("sstt")}
    )
    table.to_parquet(folder / "predictions.parquet")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    make_run(tmp_path / "slow", 0.1, right=2)
    make_run(tmp_path / "good", 0.01, right=4)
    make_run(tmp_path / "good" / "ablation" / "half", 0.01, right=3, folds=1)
    return tmp_path


def test_the_best_stands_first_with_what_sets_it_apart(runs: Path) -> None:
    rows = list_runs(runs)
    assert [row["run"] for row in rows] == ["good", "good/ablation/half", "slow"]
    assert rows[0]["UA"].startswith("100.0 [")
    assert rows[0]["folds"] == "2/2" and rows[1]["folds"] == "1/2"
    assert rows[0]["parameters"] == "1,234"
    assert rows[0]["differs in"] == "optimizer.lr=0.01"
    assert rows[2]["differs in"] == "optimizer.lr=0.1"


def test_other_orders_and_another_score(runs: Path) -> None:
    assert [row["run"] for row in list_runs(runs, sort="name")] == [
        "good",
        "good/ablation/half",
        "slow",
    ]
    assert "WF1" in list_runs(runs, metric="wf1")[0]


def test_what_cannot_be_read_is_a_row(runs: Path) -> None:
    (runs / "broken").mkdir()
    (runs / "broken" / "config.yaml").write_text("a: [")
    row = next(row for row in list_runs(runs) if row["run"] == "broken")
    assert row["UA"].startswith("unreadable: ")


def test_a_run_without_predictions_is_not_scored(runs: Path) -> None:
    (runs / "slow" / "predictions.parquet").unlink()
    assert list_runs(runs)[-1]["UA"] == "not scored"


def test_no_folder_and_no_runs(tmp_path: Path, capsys) -> None:
    with pytest.raises(MmserError, match="no folder"):
        list_runs(tmp_path / "nothing")
    with pytest.raises(MmserError, match="runs below"):
        list_runs(tmp_path)
    assert main(["runs", str(tmp_path), "--metric", "luck"]) == 2


def test_the_command_prints_it(runs: Path, capsys) -> None:
    assert main(["runs", str(runs)]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("good ")

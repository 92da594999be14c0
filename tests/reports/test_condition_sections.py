"""The sections about disturbed conditions and taken-away modalities say what their files hold."""

import pandas as pd
import pytest
from makers.reported_run import write_run

from mmser.reports.reported_run import read_run
from mmser.reports.sections.ablation import ablation
from mmser.reports.sections.comparison import comparison
from mmser.reports.sections.robustness import robustness


def scores(condition, family, level, achieved, value):
    row = {
        "family": family,
        "condition": condition,
        "level": level,
        "achieved": achieved,
        "metric": "ua",
    }
    row |= {
        "value": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "std_draws": 0.01,
        "draws": 3,
        "absent": 0.25,
    }
    return row | {"utterances": 24}


@pytest.fixture
def run(tmp_path):
    return read_run(write_run(tmp_path / "first", tmp_path / "cache"))


def test_without_files_a_line_says_which_command_makes_them(run):
    assert "mmser robustness" in robustness([run])
    assert "mmser ablate" in ablation([run])


def test_curves_and_numbers(run):
    rows = [
        scores(f"WER {w}%", "controlled word errors", w / 100, w / 100, 0.8 - w / 200)
        for w in (0, 30, 60)
    ]
    rows.append(scores("<i>asr</i>", "speech recogniser", None, 0.41, 0.6))
    pd.DataFrame(rows).to_parquet(run.folder.directory / "robustness.parquet")
    html = robustness([run])
    assert html.count("<img") == 1
    assert "65.0 <small>55.0 to 75.0</small>" in html
    assert "&lt;i&gt;asr" in html and "<i>asr" not in html
    assert "0.41" in html and "(whisper)" not in html
    pd.DataFrame([row | {"normaliser": "whisper"} for row in rows]).to_parquet(
        run.folder.directory / "robustness.parquet"
    )
    assert "0.41 (whisper)" in robustness([run])


def test_the_grid(run):
    def cell(train, test, value, note=""):
        return {
            "train": train,
            "test": test,
            "metric": "ua",
            "value": value,
            "low": value,
            "high": value,
            "note": note,
        }

    rows = [
        cell("audio+text", "audio+text", 0.7),
        cell("audio+text", "audio", 0.5),
        cell("audio", "audio", 0.6),
    ]
    failed = {"train": "fusion=amh", "test": "audio+text", "note": "expected <three>"}
    pd.DataFrame([*rows, failed]).to_parquet(run.folder.directory / "ablation.parquet")
    html = ablation([run])
    assert "70.0 <small>70.0 to 70.0</small>" in html
    assert "&ndash;" in html
    assert "fusion=amh: expected &lt;three&gt;" in html


def test_pairs_of_runs(run, tmp_path):
    assert "One run alone" in comparison([run])
    other = read_run(write_run(tmp_path / "second", tmp_path / "cache"))
    html = comparison([run, other])
    assert "not distinguishable" in html and "<div>first / second</div>" in html
    other.predictions["fold"] += "x"
    assert "cannot be compared pair by pair" in comparison([run, other])

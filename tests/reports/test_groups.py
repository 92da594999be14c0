"""The section says who is served worse, and what the words could tell."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from mmser.reports.reported_run import read_run
from mmser.reports.sections.groups import groups


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four speakers; the men are always right, the women with every other utterance."""
    rows = []
    for speaker in range(4):
        for number in range(12):
            target = ("ang", "sad")[number % 2]
            wrong = speaker % 2 and number % 4 < 2
            told = target if not wrong else ("sad", "ang")[number % 2]
            about = {"id": f"{speaker}-{number}", "speaker": f"s{speaker}", "corpus": "a"}
            rows.append({**about, "target": target, "prediction": told})
    table = pd.DataFrame(rows)
    table.to_parquet(tmp_path / "predictions.parquet")
    men = table["speaker"].isin(["s0", "s2"])
    about = table[["id", "corpus", "speaker"]].assign(sentence="1")
    about.assign(gender=men.map({True: "male", False: "female"})).to_parquet(
        tmp_path / "manifest.parquet"
    )
    return tmp_path


def test_groups_gaps_and_words(folder: Path) -> None:
    text = unescape(groups([read_run(folder)]))
    assert "female minus male" in text and "50.0 <small>50.0 to 50.0</small>" in text
    assert "1 different texts in 48 utterances: by the words alone UA 50.0 (chance 50.0)" in text


def test_intensity_is_a_group_of_utterances(folder: Path) -> None:
    known = pd.read_parquet(folder / "manifest.parquet")
    strong = known["id"].str.split("-").str[1].astype(int) % 4 < 2
    known.assign(intensity=strong.map({True: "strong", False: "normal"})).to_parquet(
        folder / "manifest.parquet"
    )
    text = unescape(groups([read_run(folder)]))
    # Half of the strong ones are the women's, all wrong; every normal one is right.
    assert "<td>intensity</td><td>normal minus strong</td>" in text
    assert "strong: 50.0 (0.0 to 100.0)" in text and "normal: 100.0 (100.0 to 100.0)" in text


def test_nothing_known_is_said(folder: Path) -> None:
    (folder / "manifest.parquet").unlink()
    text = groups([read_run(folder)])
    assert (
        "No corpus, gender, language, age group or intensity" in text
        and "The words are not known." in text
    )

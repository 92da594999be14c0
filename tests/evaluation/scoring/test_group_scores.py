"""Scores of groups are those of their rows, gaps those of the same draws of speakers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmser.cli import main
from mmser.evaluation.scoring.group_scores import described_predictions, group_scores
from mmser.evaluation.scoring.group_text import group_lines
from mmser.evaluation.scoring.score import score
from mmser.metrics.predictions import checked_predictions

CLASSES = ("ang", "hap", "sad")


def table(right: dict[str, float], speakers: int = 12, utterances: int = 30) -> pd.DataFrame:
    """Speakers in turn of each group, of whose utterances the share ``right`` is right."""
    generator = np.random.default_rng(0)
    names = list(right)
    rows = []
    for speaker in range(speakers):
        group = names[speaker % len(names)]
        for number in range(utterances):
            target = CLASSES[number % 3]
            wrong = CLASSES[(number + 1) % 3]
            told = target if generator.random() < right[group] else wrong
            rows.append(
                {
                    "id": f"{speaker}-{number}",
                    "speaker": f"s{speaker}",
                    "corpus": "a",
                    "gender": group,
                    "target": target,
                    "prediction": told,
                }
            )
    return checked_predictions(pd.DataFrame(rows))


def row(scores: pd.DataFrame, group: str, than: str = "", metric: str = "ua") -> pd.Series:
    found = scores[
        (scores["group"] == group) & (scores["than"] == than) & (scores["metric"] == metric)
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_a_groups_score_is_that_of_its_rows() -> None:
    given = table({"female": 0.9, "male": 0.6})
    scores = group_scores(given)
    alone = score(given[given["gender"] == "male"])
    pooled = alone[(alone["scope"] == "pooled") & (alone["metric"] == "ua")].iloc[0]
    found = row(scores, "male")
    assert found["value"] == pytest.approx(pooled["value"])
    assert (found["utterances"], found["speakers"]) == (180, 6)
    assert found["low"] < found["value"] < found["high"]


def test_a_gap_is_told_from_none() -> None:
    apart = row(group_scores(table({"female": 0.95, "male": 0.5})), "female", "male")
    alike = row(group_scores(table({"female": 0.7, "male": 0.7})), "female", "male")
    assert apart["low"] > 0.2 and alike["low"] < 0 < alike["high"]
    assert apart["speakers"] == 12


def test_the_same_speakers_in_both_groups_are_compared_with_themselves() -> None:
    """Speakers differ much, their two languages by the same little: only paired draws see that."""
    rows = []
    for speaker in range(10):
        for number in range(40):
            for language in ("de", "it"):
                is_right = number < 4 * speaker + (2 if language == "de" else 0)
                rows.append(
                    {
                        "id": f"{speaker}-{number}-{language}",
                        "speaker": f"s{speaker}",
                        "language": language,
                        "target": "ang" if number % 2 else "sad",
                        "prediction": ("ang" if number % 2 else "sad") if is_right else "hap",
                    }
                )
    scores = group_scores(checked_predictions(pd.DataFrame(rows)))
    gap = row(scores, "de", "it", "wa")
    spread = row(scores, "de", metric="wa")
    assert gap["value"] == pytest.approx(0.05)
    assert gap["high"] - gap["low"] < 0.02 < 0.2 < spread["high"] - spread["low"]


def test_one_speaker_has_no_interval_and_one_group_no_row() -> None:
    scores = group_scores(table({"female": 0.9, "male": 0.6}, speakers=2))
    assert np.isnan(row(scores, "male")["low"]) and np.isnan(row(scores, "female", "male")["low"])
    assert group_scores(table({"female": 0.9})).empty
    assert group_scores(table({"female": 0.9, "": 0.5})).empty


def test_a_run_is_described_by_its_own_manifest_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = table({"female": 0.95, "male": 0.5})
    manifest = given[["id", "gender"]].assign(corpus="a", speaker=given["speaker"])
    manifest.to_parquet(tmp_path / "manifest.parquet")
    given.drop(columns="gender").to_parquet(tmp_path / "predictions.parquet")
    assert group_scores(described_predictions(tmp_path)).equals(group_scores(given))
    (line,) = group_lines(group_scores(given))
    assert main(["score", str(tmp_path), "--groups", str(tmp_path / "groups.csv")]) == 0
    assert line in capsys.readouterr().out and "female - male" in line
    assert set(pd.read_csv(tmp_path / "groups.csv")["group"]) == {"female", "male"}

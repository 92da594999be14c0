"""A run on another corpus: labels that mean the same, votes of folds, scales, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers.clips import speechlike

from mmser.cli import main
from mmser.data.transforms import Transforms
from mmser.media.write import write_wav
from mmser.pipeline.other_corpus import FOLDER
from mmser.training.run import Run


def corpus(folder: Path, emotions: tuple[str, ...], level: float = 1.0) -> Path:
    """24 files of three speakers."""
    rows = []
    for number in range(24):
        name = f"{folder.name}{number}"
        write_wav(folder / f"{name}.wav", speechlike(0.3, number) * level)
        emotion = emotions[number % len(emotions)]
        row = {"id": name, "speaker": f"{folder.name}{number // 8}", "emotion": emotion}
        rows.append({**row, "audio_path": f"{name}.wav"})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other")
    source = corpus(folder / "source", ("angry", "happy", "sad"))
    words = [f"corpus.root={source}", f"cache={folder / 'cache'}", f"run={folder / 'run'}"]
    words += ["protocol=generic_speaker", "trainer.epochs=2", "trainer.accelerator=cpu"]
    assert main(["train", "system=audio_bigru", "corpus=generic", *words]) == 0
    return folder / "run"


def judged(run: Path, other: Path, *words: str) -> int:
    place = [f"corpus.root={other}", "corpus.name=other", "protocol=generic_speaker"]
    return main(["evaluate", f"run={run}", "corpus=generic", *place, *words])


def test_labels_that_mean_the_same_are_scored_and_folds_vote(run, tmp_path, caplog, capsys) -> None:
    other = corpus(tmp_path / "b", ("anger", "joy", "bored"))
    assert judged(run, other) == 0
    folder = run / FOLDER / "other"
    table = pd.read_parquet(folder / "predictions.parquet").set_index("id")
    assert len(table) == 16 and set(table["target"]) == {"angry", "happy"}
    assert set(table["fold"]) == {"vote"} and set(table["corpus"]) == {"other"}
    assert "left out of other, since the run has no such classes: bored (labels=" in caplog.text
    assert "other has no utterance of sad; the run may still say it" in caplog.text
    facts = json.loads((folder / "evaluation.json").read_text())
    assert facts["labels"] == {"anger": "angry", "joy": "happy"}
    assert facts["left_out"] == ["bored"]
    assert "UA" in capsys.readouterr().out
    # As `mmser predict` judges the same file.
    heard = main(
        ["predict", f"run={run}", str(other / "b0.wav"), "--whole", "--out", str(tmp_path)]
    )
    assert heard == 0
    (found,) = tmp_path.glob("*.csv")
    row = pd.read_csv(found).iloc[0]
    for name in ("angry", "happy", "sad"):
        column = f"probability_{name}"
        assert row[column] == pytest.approx(table.loc["b0", column], abs=2e-3)


def test_own_scale_undoes_another_level(run, tmp_path) -> None:
    quiet = corpus(tmp_path / "c", ("anger", "joy", "sad"), level=0.05)
    loud = corpus(tmp_path / "d", ("anger", "joy", "sad"))

    def probabilities(other: Path, scale: str) -> np.ndarray:
        assert judged(run, other, f"scale={scale}", f"cache={other}-cache") == 0
        name = "other-own_scale" if scale == "own" else "other"
        table = pd.read_parquet(run / FOLDER / name / "predictions.parquet")
        return table[[f"probability_{name}" for name in ("angry", "happy", "sad")]].to_numpy()

    apart = [
        np.abs(probabilities(quiet, scale) - probabilities(loud, scale)).max()
        for scale in ("run", "own")
    ]
    assert apart[1] < apart[0] / 3


def test_the_run_is_left_as_it_is(run, tmp_path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if FOLDER not in path.parts}
    assert judged(run, corpus(tmp_path / "e", ("anger", "joy")), "scale=own") == 0
    now = {path: path.stat().st_mtime_ns for path in run.rglob("*") if FOLDER not in path.parts}
    before.pop(run, None), now.pop(run, None)
    assert {path for path in now if path.is_file()} == {path for path in before if path.is_file()}
    fold = Run(run).finished()[0]
    assert isinstance(fold.transforms(), Transforms)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["labels={bored: sad}"], "bored"),
        (["labels={anger: furious}"], "furious"),
        (["scale=mine"], "scale=run or scale=own"),
        (["system=mcsan"], "Leave one out"),
    ],
)
def test_what_cannot_be_is_refused(run, tmp_path, capsys, words, message) -> None:
    other = corpus(tmp_path / "f", ("anger", "joy"))
    assert judged(run, other, *words) == 2
    assert message in capsys.readouterr().err


def test_the_users_labels_go_first(run, tmp_path) -> None:
    other = corpus(tmp_path / "g", ("anger", "bored"))
    assert judged(run, other, "labels={anger: null, bored: sad}") == 0
    table = pd.read_parquet(run / FOLDER / "other" / "predictions.parquet")
    assert set(table["target"]) == {"sad"} and len(table) == 12


def test_a_corpus_without_any_of_the_classes(run, tmp_path, capsys) -> None:
    assert judged(run, corpus(tmp_path / "h", ("bored", "calm"))) == 1
    assert "labels of other that mean angry, happy, sad" in capsys.readouterr().err


def test_the_runs_own_corpus_is_no_other(run, capsys) -> None:
    source = run.parent / "source"
    words = [f"corpus.root={source}", "protocol=generic_speaker"]
    assert main(["evaluate", f"run={run}", "corpus=generic", *words]) == 1
    assert "corpus.name=NAME" in capsys.readouterr().err

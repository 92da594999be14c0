"""The matrix of corpora: shared classes, one run each, both scales, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from makers.clips import speechlike

from mmser.cli import main
from mmser.media.write import write_wav
from mmser.pipeline.cross_corpus import cross_corpus
from mmser.reports.matrix import matrix_text

FEW = ("protocol=generic_speaker", "trainer.epochs=1", "trainer.accelerator=cpu")


def make(folder: Path, emotions: tuple[str, ...]) -> Path:
    """18 files of three speakers."""
    rows = []
    for number in range(18):
        name = f"{folder.name}{number}"
        write_wav(folder / f"{name}.wav", speechlike(0.3, number))
        row = {"id": name, "speaker": f"{folder.name}{number // 6}", "audio_path": f"{name}.wav"}
        rows.append({**row, "emotion": emotions[number % len(emotions)]})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


def test_every_pair_of_own_tables_is_scored_and_kept(tmp_path: Path, capsys) -> None:
    one = make(tmp_path / "a", ("anger", "joy", "sad"))
    two = make(tmp_path / "b", ("angry", "happy", "bored"))
    words = [f"one.root={one}", f"two.root={two}", "system=audio_bigru", *FEW]
    words += [f"cache={tmp_path / 'cache'}", f"paths.runs={tmp_path / 'runs'}"]
    words += [f"out={tmp_path / 'matrix'}", "corpora=[one,two]"]
    assert main(["crosscorpus", *words]) == 0
    table = pd.read_csv(tmp_path / "matrix" / "crosscorpus.csv")
    cells = table[table["metric"] == "ua"].set_index(["train", "test", "scale"])
    assert set(cells.index) == {
        ("one", "one", "run"),
        ("one", "two", "run"),
        ("one", "two", "own"),
        ("two", "one", "run"),
        ("two", "one", "own"),
        ("two", "two", "run"),
    }
    assert set(cells["utterances"]) == {12}
    predictions = Path(cells.loc[("one", "two", "own"), "predictions"]) / "predictions.parquet"
    assert set(pd.read_parquet(predictions)["target"]) == {"angry", "happy"}
    assert (tmp_path / "matrix" / "crosscorpus.svg").read_text().startswith("<?xml")
    printed = capsys.readouterr().out
    assert "UA, scaled as in training" in printed
    assert "UA, scaled by the tested corpus's own statistics" in printed
    # Nothing is trained again.
    weights = sorted((tmp_path / "runs").rglob("model.safetensors"))
    before = [path.stat().st_mtime_ns for path in weights]
    assert main(["crosscorpus", *words]) == 0
    assert [path.stat().st_mtime_ns for path in weights] == before


def test_one_corpus_is_no_matrix() -> None:
    from mmser.core.errors import UsageError

    with pytest.raises(UsageError, match="two corpora or more"):
        cross_corpus(["emodb"], ["system=audio_bigru"])


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "corpora="), (["corpora=[emodb,emovo]", "--metric", "luck"], "luck")],
)
def test_wrong_usage(words, message, capsys) -> None:
    assert main(["crosscorpus", "system=audio_bigru", *words]) == 2
    assert message in capsys.readouterr().err


def test_the_text_has_a_row_per_trained_corpus() -> None:
    rows = [
        {"train": train, "test": test, "scale": "run", "metric": "ua", "value": value}
        for train, test, value in [
            ("x", "x", 0.9),
            ("x", "y", 0.5),
            ("y", "x", 0.4),
            ("y", "y", 0.8),
        ]
    ]
    table = pd.DataFrame(rows).assign(low=0.3, high=1.0)
    lines = [line.split() for line in matrix_text(table, "ua").splitlines()]
    assert lines[1] == ["trained", "on", "x", "y"]
    assert lines[2] == ["x", "90.0", "[30.0,", "100.0]", "50.0", "[30.0,", "100.0]"]
    assert lines[3][0:2] == ["y", "40.0"]


def test_a_name_of_no_corpus_needs_a_table_that_is_there(tmp_path: Path, capsys) -> None:
    words = ["corpora=[mine,emodb]", f"mine.root={tmp_path / 'no.csv'}", "system=functionals_svm"]
    assert main(["crosscorpus", *words]) == 2
    assert "a table of your own at mine.root; found neither" in capsys.readouterr().err

"""A run in Python: what it tells, and that it stands where a folder may."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers.clips import speechlike

import mmser
from mmser.core.errors import MmserError, UsageError
from mmser.media.write import write_wav


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> mmser.Run:
    folder = tmp_path_factory.mktemp("python")
    rows = []
    for number in range(18):
        write_wav(folder / "corpus" / f"u{number}.wav", speechlike(0.3, number))
        row = {"id": f"u{number}", "speaker": f"s{number // 6}", "audio_path": f"u{number}.wav"}
        rows.append({**row, "emotion": ("angry", "happy", "sad")[number % 3]})
    pd.DataFrame(rows).to_csv(folder / "corpus" / "manifest.csv", index=False)
    return mmser.train(
        system="audio_bigru",
        corpus="generic",
        root=folder / "corpus",
        protocol="generic_speaker",
        trainer={"epochs": 1, "accelerator": "cpu"},
        cache=folder / "cache",
        run=folder / "run",
    )


def test_scores_and_predictions_are_those_of_the_files(run: mmser.Run) -> None:
    assert len(run.predictions) == 18
    table = mmser.score(run)
    pooled = table[table["scope"] == "pooled"].set_index("metric")
    assert run.scores.loc["ua", "value"] == pooled.loc["ua", "value"]
    assert run.scores.loc["ua", "utterances"] == 18


def test_the_confusion_counts_every_utterance(run: mmser.Run) -> None:
    counts = run.confusion()
    assert list(counts.index) == list(counts.columns) == ["angry", "happy", "sad"]
    assert counts.to_numpy().sum() == 18
    hit = (run.predictions["target"] == run.predictions["prediction"]).sum()
    assert np.trace(counts.to_numpy()) == hit
    assert run.confusion(share=True).sum(axis=1).tolist() == pytest.approx([1.0] * 3)


def test_it_judges_files_and_names_them(run: mmser.Run, tmp_path: Path) -> None:
    files = [run.directory.parent / "corpus" / f"u{number}.wav" for number in (0, 1)]
    table = run.predict(files, whole=True)
    assert list(table["file"]) == list(map(str, files))
    assert run.predict(files[0], whole=True)["file"].tolist() == [str(files[0])]
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "talk.wav").symlink_to(files[0])
    assert run.predict(folder, whole=True)["file"].tolist() == [str(folder / "talk.wav")]


def test_it_stands_where_a_folder_may(run: mmser.Run, tmp_path: Path) -> None:
    assert Path(run) == run.directory
    assert mmser.compare([run, run.directory / "predictions.parquet"]).shape[0] == 1
    assert run.report(tmp_path / "a.html").read_text().startswith("<!")
    assert mmser.report(run, tmp_path / "b.html").is_file()
    assert len(mmser.evaluate(str(run.directory))) == 18
    opened = mmser.load_run(run)
    assert isinstance(opened, mmser.Run) and opened.directory == run.directory
    assert set(run.compare(opened.directory / "predictions.parquet")["metric"]) == {"ua"}


def test_it_is_evaluated_on_another_corpus(run: mmser.Run) -> None:
    root = run.directory.parent / "corpus"
    table = run.evaluate_on("generic", root, protocol="generic_speaker", **{"corpus.name": "other"})
    assert len(table) == 18 and set(table["corpus"]) == {"other"}


def test_its_face_in_a_notebook(run: mmser.Run) -> None:
    page = run._repr_html_()
    assert "<table" in page and "UA" in page and "18 utterances" in page
    figure = run.plot()
    assert len(figure.axes[0].texts) == 9


def test_a_mistake_is_one_line_without_what_led_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Did you mean mcsan") as caught:
        mmser.train(system="mcsann", corpus="meld")
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    frames = [str(entry.path) for entry in caught.traceback]
    assert not any("composition" in name or "hydra" in name for name in frames)
    monkeypatch.setenv("MMSER_DEBUG", "1")
    with pytest.raises(MmserError) as whole:
        mmser.train(system="mcsann", corpus="meld")
    assert any("composition" in str(entry.path) for entry in whole.traceback)


def test_every_name_completes() -> None:
    assert {"train", "Run", "cross_corpus", "score"} <= set(dir(mmser))
    for name in dir(mmser):
        assert getattr(mmser, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = mmser.trian  # type: ignore[attr-defined]


def test_type_checkers_are_told_every_name() -> None:
    stub = ast.parse((Path(mmser.__file__).parent / "__init__.pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    told = {alias.asname: node.module for node in imports for alias in node.names}
    assert told == mmser._LAZY
    assert (Path(mmser.__file__).parent / "py.typed").is_file()

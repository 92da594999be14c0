"""Vectors of a trained run: by the fold that tests an utterance, or marked; a stream of another run."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from makers.clips import tone
from makers.trained_run import make_settings, make_trained_run

from mmser.cache.store import Store, find_store
from mmser.cli import main
from mmser.core.errors import UsageError
from mmser.evaluation.byproducts.vectors import Request, run_vectors
from mmser.evaluation.predict import run_model
from mmser.media.write import write_wav
from mmser.training.fit import train
from mmser.training.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three speakers, two of whom are tested, with two seeds."""
    return make_trained_run(tmp_path_factory.mktemp("vectors"), seeds=[0, 1])


def by_hand(run: Run, fold: str, seed: int, split: str) -> dict[str, torch.Tensor]:
    trained = run.fold(fold, seed)
    found = {}
    for batch, outputs in run_model(trained.model(), trained.data().loader(split, shuffle=False)):
        found |= dict(zip(batch.ids, outputs.vector, strict=True))
    return found


def test_each_utterance_by_the_fold_that_tests_it(run: Run, caplog) -> None:
    vectors = run_vectors(run, Request())
    table = vectors.table
    assert set(table["split"]) == {"test"} and set(table["seeds"]) == {"0"}
    assert (table["speaker"] == table["fold"]).all() and len(table) == 24
    used = run.assignment[run.assignment["part"] != "test"]
    heard = set(zip(used["id"], used["fold"].astype(str), strict=True))
    assert not heard & set(zip(table["id"], table["fold"], strict=True))
    for fold in ("s0", "s1"):
        for name, expected in by_hand(run, fold, 0, "test").items():
            np.testing.assert_allclose(vectors.arrays[name][0], expected, atol=1e-6)
    assert "vectors of 2 folds lie in 2 spaces" in caplog.text
    assert "12 utterances of the protocol are left out" in caplog.text


def test_what_no_fold_tests_is_marked(run: Run) -> None:
    table = run_vectors(run, Request(others=True)).table
    assert len(table) == 36
    untested = table[table["speaker"] == "s2"]
    parts = run.assignment.set_index(["id", "fold"])["part"]
    assert set(untested["split"]) <= {"validation", "train"}
    for row in untested.to_dict("records"):
        assert parts[(row["id"], row["fold"])] == row["split"]
        validates = [fold for fold in ("s0", "s1") if parts[(row["id"], fold)] == "validation"]
        assert (row["split"] == "validation") == bool(validates)


def test_one_fold_gives_all_its_utterances(run: Run) -> None:
    vectors = run_vectors(run, Request(fold="s1", seed=1))
    table = vectors.table.set_index("id")
    assert set(table["fold"]) == {"s1"} and set(table["split"]) == {"test", "validation", "train"}
    for split in ("test", "train"):
        for name, expected in by_hand(run, "s1", 1, split).items():
            np.testing.assert_allclose(vectors.arrays[name][0], expected, atol=1e-6)
            assert table.loc[name, "split"] == split


def test_seeds_stand_side_by_side(run: Run) -> None:
    both = run_vectors(run, Request(seed="all"))
    single = [run_vectors(run, Request(seed=seed)).arrays["u00"] for seed in (0, 1)]
    np.testing.assert_array_equal(both.arrays["u00"], np.concatenate(single, axis=1))
    assert set(both.table["seeds"]) == {"0+1"}


def test_the_steps_of_a_stream(run: Run) -> None:
    found = run_vectors(run, Request(of="tone"))
    assert found.arrays["u00"].shape == (3, 8)
    with pytest.raises(UsageError, match="of=vector, or a stream: tone, prose"):
        run_vectors(run, Request(of="face"))
    with pytest.raises(UsageError, match="a fold among s0, s1"):
        run_vectors(run, Request(fold="s9"))
    with pytest.raises(UsageError, match="a seed among 0, 1, or all"):
        run_vectors(run, Request(seed=7))


def system_over(cache: Path, folder: Path, name: str, **changes: Any) -> dict[str, Any]:
    settings = make_settings(cache, folder, **changes)
    settings["streams"] = {"tone": {"extractor": name}}
    settings["model"]["encoders"] = {"tone": settings["model"]["encoders"]["tone"]}
    return settings


def test_a_store_is_a_stream_of_another_run(run: Run, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.directory, folder)
    cache = tmp_path / "other"
    words = ["export-features", f"run={folder}", f"cache={cache}"]
    assert main([*words, "fold=s0", "name=second"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"36 utterances \(.*12 test.*\) of 1 fold\n", out)
    store = Store(find_store(cache, "small", "second"))
    assert store.info["parameters"]["of"] == "vector" and store.info["parameters"]["seeds"] == "0"
    table = pd.read_parquet(folder / "features" / "second" / "table.parquet")
    rows = np.load(folder / "features" / "second" / "vectors.npy")
    np.testing.assert_array_equal(rows[0], store.read(table["id"][0])[0])
    again = train(system_over(cache, tmp_path / "again", "second", folds=["s0"]))
    assert again.finished()[0].facts["input_sizes"] == {"tone": rows.shape[1]}
    write_wav(tmp_path / "x.wav", tone(0.5, 200.0))
    assert main(["predict", f"run={tmp_path / 'again'}", str(tmp_path / "x.wav")]) == 1
    assert "features imported as second" in capsys.readouterr().err


def test_what_is_left_out_is_absent_in_the_store(run: Run, tmp_path: Path, capsys) -> None:
    words = ["export-features", f"run={run.directory}", f"cache={tmp_path}"]
    assert main([*words, f"out={tmp_path / 'out'}"]) == 0
    store = Store(find_store(tmp_path, "small", f"{run.name}_vector"))
    failed = store.index[store.index["status"] == "failed"]
    assert len(store.index) == 36 and len(failed) == 12
    kept = store.index[store.index["status"] != "failed"]
    assert set(kept["notes"]) == {"fold s0, test", "fold s1, test"}
    assert main([*words, "of=tone", f"out={tmp_path / 'steps'}"]) == 0
    with np.load(tmp_path / "steps" / "frames.npz") as frames:
        assert frames["u00"].shape == (3, 8)
    for wrong in ("seed=x", "others=maybe"):
        assert main([*words, wrong]) == 2
    assert main(["export-features", "of=vector"]) == 2
    capsys.readouterr()


def test_vectors_of_a_run_become_a_store_of_another_cache(
    run: Run, tmp_path: Path, monkeypatch
) -> None:
    assert main(["export-features", f"run={run.directory}", "name=fused", "--format", "npy"]) == 0
    out = run.directory / "features/fused/npy"
    table = pd.read_csv(out / "table.csv")
    assert {"fold", "split", "seeds", "speaker"} <= set(table)
    root = tmp_path / "manifest.csv"
    run.manifest[["id", "speaker"]].assign(transcript="so").to_csv(root, index=False)
    words = ["generic", str(root), "fused", str(out), "--modality", "audio", "--cache", "other"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["import_features.py", *words])
    script = Path(__file__).parents[3] / "preprocess/import_features.py"
    runpy.run_path(str(script), run_name="__main__")
    (directory,) = Path("other/generic").glob("fused-*")
    store = Store(directory)
    assert set(store.ids) == set(table["id"].astype(str))
    for row in table.to_dict("records"):
        np.testing.assert_array_equal(store.read(row["id"]), np.load(out / row["features"]))

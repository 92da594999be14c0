"""A run goes on reading the stores it was made from; damage and changes of what it
reads are told.
"""

from __future__ import annotations

import json
import logging
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmser.cache import checked
from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.manifests import keep_manifest
from mmser.cache.store import Store
from mmser.cache.writer import open_writer
from mmser.core.clip import Features
from mmser.core.errors import MmserError
from mmser.evaluation.evaluate import evaluate
from mmser.pipeline.caches import ensure_caches
from mmser.runs.run_identity import claim, run_directory
from mmser.settings.run import read_run
from mmser.training.fit import prepare, train
from mmser.training.inputs.corpora import build_corpora
from mmser.training.run import Run

ONE_FOLD: dict[str, Any] = {"folds": ["s0"], "trainer.epochs": 1}


def read(config):
    """The settings and the corpora of a config."""
    settings = read_run(config)
    return settings, build_corpora(settings)


@pytest.fixture
def cache(cache: Path, tmp_path: Path) -> Path:
    """A copy of the room's cache, to be damaged and added to."""
    return Path(shutil.copytree(cache, tmp_path / "cache"))


def another_store(cache: Path, name: str = "tone") -> Path:
    """A store of the same short name with other numbers in other parameters."""
    ids = pd.read_parquet(cache / "small" / "manifest.parquet")["id"]
    recipe = Recipe(name, "tests.Fake", 1, {"size": 6, "other": True}, dtype="float32")
    folder = store_directory(cache, "small", name, "", recipe.fingerprint)
    with open_writer(folder, recipe) as writer:
        writer.add([Entry(i, "0" * 64, Features(np.full((4, 6), 9.0, "f4"), 100.0)) for i in ids])
        writer.finish()
    return folder


def test_another_store_of_the_name_changes_nothing_for_a_run(settings) -> None:
    chosen = settings(**ONE_FOLD)
    run = train(chosen)
    before = evaluate(run)
    other = another_store(Path(chosen["cache"]))
    with pytest.raises(MmserError, match="one cache of tone; found 2"):
        ensure_caches({**chosen, "run": str(run.directory.parent / "new")})
    ensure_caches(chosen)
    again = Run(train(chosen).directory)
    pd.testing.assert_frame_equal(evaluate(again), before)
    store = again.fold("s0", 0).data().stores["tone"]
    assert isinstance(store, Store) and store.directory != other


def test_the_stores_of_stages_are_recorded(settings) -> None:
    chosen = settings()
    store = another_store(Path(chosen["cache"]), "other")
    staged = {
        **chosen,
        "stages": {"first": {}, "second": {"streams": {"noise": {"extractor": "other"}}}},
    }
    directory = run_directory(staged)
    claim(directory, staged)
    prepare(directory, staged, *read(staged))
    run = Run(directory)
    assert run.environment["caches"]["second.noise"] == store.name[-12:]
    assert set(run.recorded) == {"tone", "noise", "other"} and run.recorded["other"] == store.name


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_shard_stops_training(settings, workers: int) -> None:
    chosen = settings(**ONE_FOLD, **{"data.workers": workers})
    shard = next(Path(chosen["cache"]).glob("small/tone-*/shard-00000.safetensors"))
    content = bytearray(shard.read_bytes())
    content[-3] ^= 1
    shard.write_bytes(content)
    with pytest.raises(
        MmserError,
        match=r"shard-00000\.safetensors as preprocessing wrote it; found another checksum",
    ):
        train(chosen)


def test_the_processes_of_a_run_are_told_what_is_checked(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(folds=["s0", "s1"], **{"trainer.epochs": 1, "trainer.jobs": 2})
    monkeypatch.setattr(checked, "_verified", {})
    monkeypatch.setattr("mmser.training.fit.run_in_processes", lambda *arguments: None)
    run = train(chosen)
    told = json.loads((run.directory / "caches-checked.json").read_text())
    read = run.recorded.values()
    assert set(told) == {
        str(p.resolve())
        for name in read
        for p in Path(chosen["cache"]).glob(f"small/{name}/shard-*")
    }


def test_an_edited_manifest_is_not_trained_on(settings) -> None:
    chosen = settings(**ONE_FOLD)
    folder = Path(chosen["cache"]) / "small"
    table = pd.read_parquet(folder / "manifest.parquet")
    keep_manifest(folder, partial(table.to_parquet, index=False))
    train({**chosen, "run": chosen["run"] + "-before"})
    table.assign(emotion=table["emotion"].where(table["id"] != "u000", "happy")).to_parquet(
        folder / "manifest.parquet"
    )
    with pytest.raises(
        MmserError, match=r"manifest\.parquet as preprocessing wrote it; found changed since"
    ):
        train(chosen)


def test_a_later_evaluation_says_that_the_manifest_differs(
    settings, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = settings(**ONE_FOLD)
    folder = Path(chosen["cache"]) / "small"
    run = train(chosen)
    assert set(run.environment["manifests"]) == {"small"}
    with caplog.at_level(logging.WARNING):
        evaluate(Run(run.directory))
        assert "manifest" not in caplog.text
        table = pd.read_parquet(folder / "manifest.parquet")
        corrected = table.assign(gender="X", speaker="other", audio_path="/moved/a.wav")
        keep_manifest(folder, partial(corrected.to_parquet, index=False))
        later = Run(run.directory)
        assert set(evaluate(later)["speaker"]) == {"s0"}
    assert set(later.manifest["gender"]) == {"F", "M"}
    assert "the manifest of small has changed since the run was made" in caplog.text


def test_the_runs_own_manifest_is_not_edited_either(settings) -> None:
    run = train(settings(**ONE_FOLD))
    path = run.directory / "manifest.parquet"
    assert len(Run(run.directory).manifest) == 48
    pd.read_parquet(path).assign(emotion="happy").to_parquet(path)
    with pytest.raises(
        MmserError, match=r"manifest\.parquet as the run wrote it; found another content"
    ):
        evaluate(Run(run.directory))


def test_a_run_made_before_manifests_were_recorded_is_not_warned_about(settings, caplog) -> None:
    run = train(settings(**ONE_FOLD))
    path = run.directory / "environment.json"
    known = json.loads(path.read_text())
    del known["manifests"]
    path.write_text(json.dumps(known))
    with caplog.at_level(logging.WARNING):
        evaluate(Run(run.directory))
    assert "manifest" not in caplog.text

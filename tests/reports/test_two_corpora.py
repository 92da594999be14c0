"""Two corpora in one cache folder: each run's report is about its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from makers.reported_run import write_run

from mmser.cache.index import read_rows, write_index
from mmser.core.errors import MmserError
from mmser.reports.reported_run import read_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Beside the run's corpus another one, earlier in the alphabet, has stores of the same
    fingerprints.
    """
    folder = write_run(tmp_path / "run", tmp_path / "cache", seeds=(0,))
    other = tmp_path / "cache" / "another"
    shutil.copytree(tmp_path / "cache" / "madeup", other)
    for index in other.glob("*/index.parquet"):
        rows = read_rows(index)[:7]
        write_index(
            index,
            [row | {"id": f"x{row['id']}", "status": "failed", "error": "no face"} for row in rows],
        )
    manifest = pd.read_parquet(other / "manifest.parquet")
    manifest.assign(id="x" + manifest["id"], corpus="another").to_parquet(
        other / "manifest.parquet"
    )
    (other / "warnings.json").write_text(json.dumps({"odd": ["x"]}))
    return folder


def domains(run: Path, corpora: list[str]) -> Path:
    """The run's record says which corpora it was made from."""
    known = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(
        json.dumps(known | {"manifests": dict.fromkeys(corpora, "0" * 32)})
    )
    return run


@pytest.mark.parametrize("recorded", [True, False])
def test_caches_failures_and_warnings_are_the_runs_own(run: Path, recorded: bool) -> None:
    files = read_run(domains(run, ["madeup"]) if recorded else run)
    assert {cache.directory.parent.name for cache in files.caches} == {"madeup"}
    assert [len(cache.index) for cache in files.caches] == [400, 400, 400]
    assert [cache.stream for cache in files.caches] == ["audio", "text", "face"]
    assert "s0-001" in files.warnings


def test_whether_test_speakers_were_in_training_is_told(run: Path) -> None:
    assert read_run(run).shared_speakers == 0
    rows = pd.read_parquet(run / "assignment.parquet")
    rows.loc[(rows["fold"] == "ses0") & rows["id"].str.endswith("9"), "part"] = "train"
    rows.to_parquet(run / "assignment.parquet")
    assert read_run(run).shared_speakers == 2


def test_a_run_of_both_corpora_shows_both(run: Path) -> None:
    rows = pd.read_parquet(run / "assignment.parquet")
    added = rows[rows["part"] == "train"].assign(id=lambda table: "x" + table["id"])
    pd.concat([rows, added]).to_parquet(run / "assignment.parquet")
    files = read_run(domains(run, ["madeup", "another"]))
    assert [cache.stream for cache in files.caches][:2] == ["audio (madeup)", "audio (another)"]
    assert set(files.warnings) == {"madeup", "another"}
    # s0 of one corpus is not s0 of the other.
    assert files.shared_speakers == 0


@pytest.mark.parametrize("name", ["info.json", "index.parquet"])
def test_a_damaged_cache_file_is_one_clear_error(run: Path, tmp_path: Path, name: str) -> None:
    store = tmp_path / "cache" / "madeup" / "mfcc40-0123456789ab"
    (store / name).write_text("{")
    with pytest.raises(
        MmserError,
        match=rf"expected a readable .*; found .* Delete {store} and run: mmser preprocess",
    ):
        list(read_run(run).caches)


@pytest.mark.parametrize(
    "name", ["assignment.parquet", "attention.parquet", "embeddings.parquet", "layers.parquet"]
)
def test_a_damaged_table_of_the_run_is_one_clear_error(run: Path, name: str) -> None:
    (run / name).write_text("{")
    files = read_run(run)
    with pytest.raises(
        MmserError, match=rf"expected a readable parquet table in .*{name}; found .*Restore it"
    ):
        files.embeddings if name.startswith("embeddings") else files.folder.table(name)


def test_a_damaged_environment_is_one_clear_error(run: Path) -> None:
    (run / "environment.json").write_text("{")
    with pytest.raises(MmserError, match=r"expected an undamaged .*environment\.json; found"):
        read_run(run)
